#!/usr/bin/env bash
# Builds both images and the functions and deploys the stack. Needs the AWS CLI, the SAM CLI and Docker.
#   deploy/deploy.sh [--region REGION] [STACK [ARCHITECTURE]]
# Parameters of the stack are in the variable PARAMETERS: Name=Value ..., separated by spaces or on lines of
# their own. A value may contain spaces. Without an architecture, the stack keeps its own.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/common.sh"
need aws sam docker
stack=${1:-facerec}
deployed=$(deployed_architecture "$stack")
architecture=${2:-$deployed}
cd "$here/.."

# A word that does not begin with a name and "=" belongs to the value before it. The SAM CLI takes a value
# that contains spaces only in double quotes.
names=() values=()
read -r -d '' -a words <<<"${PARAMETERS:-}" || true  # of all lines; it finds no end but that of the text
for word in ${words[@]+"${words[@]}"}; do
  if [[ $word =~ ^([A-Za-z][A-Za-z0-9]*)=(.*)$ ]]; then
    names+=("${BASH_REMATCH[1]}") values+=("${BASH_REMATCH[2]}")
  elif [ ${#names[@]} -gt 0 ]; then
    values[${#values[@]} - 1]+=" $word"
  else
    echo "error: PARAMETERS begins with $word, which is not Name=Value" >&2
    exit 2
  fi
done
overrides=()
for number in ${names[@]+"${!names[@]}"}; do
  case ${names[number]} in
    Architecture)
      echo "error: Architecture is also that of the images" >&2
      echo "hint: use make deploy ARCHITECTURE=${values[number]}" >&2
      exit 2 ;;
    BatchImageUri)
      echo "error: this builds the image of the jobs itself" >&2
      echo "hint: to deploy another image, use sam deploy (docs/deploy.md)" >&2
      exit 2 ;;
  esac
  case ${values[number]} in
    *\\*)
      echo "error: ${names[number]} has a backslash, which the SAM CLI does not pass on" >&2
      exit 2 ;;
  esac
  overrides+=("${names[number]}=\"${values[number]//\"/\\\"}\"")
done

# Machines of the new architecture cannot run the image of jobs that are running.
if [ "$architecture" != "$deployed" ]; then
  workflow=$(if_there 'does not exist' aws cloudformation describe-stack-resources --stack-name "$stack" \
    --query "StackResources[?LogicalResourceId=='Workflow'].PhysicalResourceId" --output text)
  running=
  if [ -n "$workflow" ]; then
    running=$(aws stepfunctions list-executions --state-machine-arn "$workflow" --status-filter RUNNING \
      --query 'executions[].name' --output text)
  fi
  if [ -n "$running" ] && [ "$running" != None ]; then
    echo "error: jobs are running, on machines of another architecture than $architecture" >&2
    echo "hint: deploy again when they have ended, or cancel them: $running" >&2
    exit 1
  fi
fi

image=$("$here/push_image.sh" "$stack" "$architecture" | tail -n 1)
# The image of the API too is made from the newest base. The SAM CLI takes the one that Docker has.
docker pull --quiet --platform "$(platform_of "$architecture")" \
  "$(sed -n 's/^ARG BASE_IMAGE=//p' Dockerfile)" >&2
sam build --parameter-overrides "Architecture=$architecture"
sam deploy --stack-name "$stack" --tags "facerec-stack=$stack" \
  --parameter-overrides "BatchImageUri=$image" "Architecture=$architecture" ${overrides[@]+"${overrides[@]}"}
"$here/finish.sh" "$stack"
