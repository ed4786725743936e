#!/usr/bin/env bash
# Builds both images and the functions and deploys the stack. Needs the AWS CLI, the SAM CLI and Docker.
#   deploy/deploy.sh [--region REGION] STACK ARCHITECTURE [Name=Value ...]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
need aws sam
stack=${1:-facerec}
architecture=${2:-x86_64}
shift $(($# < 2 ? $# : 2))
cd "$here/.."

image=$("$here/push_image.sh" "$stack" "$architecture" | tail -n 1)
sam build --parameter-overrides "Architecture=$architecture"
sam deploy --stack-name "$stack" --tags "facerec-stack=$stack" \
  --parameter-overrides "BatchImageUri=$image" "Architecture=$architecture" "$@"
"$here/finish.sh" "$stack"
