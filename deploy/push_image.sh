#!/usr/bin/env bash
# Builds the image of the jobs and pushes it to Amazon ECR of the account and region at hand.
# The last line of the output is its address, for the parameter BatchImageUri.
#   deploy/push_image.sh [repository [architecture]]
set -euo pipefail
repository=${1:-facerec-batch}
architecture=${2:-x86_64}
root=$(cd "$(dirname "$0")/.." && pwd)

case $architecture in
  x86_64) platform=linux/amd64 ;;
  arm64) platform=linux/arm64 ;;
  *) echo "error: the architecture is $architecture, not x86_64 or arm64" >&2; exit 2 ;;
esac
if ! docker info >/dev/null 2>&1; then
  echo "error: no container engine answers to docker" >&2
  echo "hint: start Docker, or call this in AWS CloudShell; see docs/deploy.md" >&2
  exit 1
fi
account=$(aws sts get-caller-identity --query Account --output text)
region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
if [ -z "$region" ]; then
  echo "error: no AWS region is set" >&2
  echo "hint: set AWS_REGION" >&2
  exit 2
fi
registry=$account.dkr.ecr.$region.amazonaws.com
# A new tag each time: children of running jobs keep the image that they were planned with.
image=$registry/$repository:$(date -u +%Y%m%d-%H%M%S)

if ! aws ecr describe-repositories --repository-names "$repository" >/dev/null 2>&1; then
  aws ecr create-repository --repository-name "$repository" --image-tag-mutability IMMUTABLE \
    --image-scanning-configuration scanOnPush=true >&2
  aws ecr put-lifecycle-policy --repository-name "$repository" --lifecycle-policy-text '{"rules": [
    {"rulePriority": 1, "description": "the newest few", "action": {"type": "expire"},
     "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5}}]}' >&2
fi
aws ecr get-login-password | docker login --username AWS --password-stdin "$registry" >&2
docker build --target batch --platform "$platform" --tag "$image" "$root" >&2
docker push "$image" >&2
echo "$image"
