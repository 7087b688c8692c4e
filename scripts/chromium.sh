#!/bin/sh
# chromium.sh: sees to it that there is a Chromium for the tests of the pages.
for name in "$CHROMIUM" chromium chromium-browser google-chrome; do
	if [ -n "$name" ] && command -v "$name" >/dev/null; then exit 0; fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0
fi
echo 'make browser needs Chromium: apt-get install chromium, or name one in $CHROMIUM' >&2
exit 1
