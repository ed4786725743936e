#!/bin/sh
# Runs a command in the file system of an image, as a container runtime would: its root is read-only,
# /tmp is memory, the user has no rights. It is called in a mount namespace of its own, and becomes the
# command, so that signals reach it.
#   unshare --mount --propagation private enter.sh ROOT USER:GROUP FOLDER COMMAND...
set -eu
root=$1 user=$2 folder=$3
shift 3
mount --bind "$root" "$root"
mount -o remount,bind,ro,nosuid "$root"
for each in proc sys dev; do
  mount --rbind "/$each" "$root/$each"
done
mount -t tmpfs -o size=64m,mode=1777,nosuid,nodev,noexec tmpfs "$root/tmp"
exec chroot --userspec="$user" --groups="${user#*:}" "$root" /usr/bin/env --chdir="$folder" "$@"
