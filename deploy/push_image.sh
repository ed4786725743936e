#!/usr/bin/env bash
# Builds the image of the jobs and pushes it to the repository STACK/batch of Amazon ECR.
# The last line of the output is its address, for the parameter BatchImageUri.
#   deploy/push_image.sh [--region REGION] [stack [architecture]]
# The tag is a digest of what the image is built from, and the month: nothing is built where it is there
# already, an image that job definitions name is never replaced, and the patches of its base are taken
# once a month. No rule expires images; `docs/operations.md` explains how to delete old ones.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
need aws
stack=${1:-facerec}
architecture=${2:-$(deployed_architecture "$stack")}
root=$(dirname "$here")
repository=$stack/batch

platform=$(platform_of "$architecture")
content() {
  cd "$root"
  find Dockerfile facerec batch_job examples/probe.jpg -type f ! -name '*.pyc' ! -path '*/__pycache__/*' |
    LC_ALL=C sort | xargs sha256sum
}
tag=$(content | sha256sum | cut -c1-16)-$(date -u +%Y-%m)-$architecture

account=$(aws sts get-caller-identity --query Account --output text)
registry=$account.dkr.ecr.$AWS_REGION.amazonaws.com
image=$registry/$repository:$tag

found=$(if_there RepositoryNotFoundException aws ecr describe-repositories --repository-names "$repository" \
  --query 'repositories[].repositoryName' --output text)
if [ -z "$found" ]; then
  aws ecr create-repository --repository-name "$repository" --image-tag-mutability IMMUTABLE \
    --image-scanning-configuration scanOnPush=true --tags "Key=facerec-stack,Value=$stack" >&2
fi
pushed=$(if_there ImageNotFoundException aws ecr describe-images --repository-name "$repository" \
  --image-ids imageTag="$tag" --query 'imageDetails[].imageDigest' --output text)
if [ -n "$pushed" ]; then
  echo "the image is in the repository already" >&2
else
  if ! docker info >/dev/null 2>&1; then
    echo "error: no container engine answers to docker" >&2
    echo "hint: start Docker, or call this in AWS CloudShell; see docs/deploy.md" >&2
    exit 1
  fi
  aws ecr get-login-password | docker login --username AWS --password-stdin "$registry" >&2
  docker build --pull --target batch --platform "$platform" --tag "$image" "$root" >&2
  docker push "$image" >&2
fi
echo "$image"
