#!/bin/sh
# docker-entrypoint.sh [COMMAND] [FLAGS]: lenet, which trains unless another command is named.
case ${1-} in
'' | -*) set -- train "$@" ;;
esac

# A folder of the host's that is mounted at runs may belong to another user.
if mountpoint -q runs && [ ! -w runs ]; then
	owner=$(stat -c %u:%g runs)
	echo "docker-entrypoint.sh: user $(id -u) may not write to runs, a folder of user ${owner%:*}" >&2
	# In a user namespace (a rootless engine) the container's root is the user who started the engine.
	if [ "${owner%:*}" = 0 ] && grep -q '^ *0 *0 ' /proc/self/uid_map; then
		cat >&2 <<-'end'
			  The engine makes a missing folder as root. Make it yourself, on the host, and run as yourself:
			  rmdir FOLDER && mkdir FOLDER
			  docker compose run --rm --user "$(id -u):$(id -g)" ...
		end
	else
		echo "  Run as that user: docker compose run --rm --user $owner ..." >&2
	fi
fi
exec lenet "$@"
