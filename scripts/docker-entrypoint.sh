#!/bin/sh
# docker-entrypoint.sh [COMMAND] [FLAGS]: lenet, which trains unless another command is named.
case ${1-} in
'' | -*) set -- train "$@" ;;
esac
exec lenet "$@"
