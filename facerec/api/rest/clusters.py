"""The REST routes for unknown people: clusters of faces, and statements about them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from facerec.api.rest.context import DONE, Context
from facerec.api.rest.contracts import response_doc
from facerec.api.rest.paths import COLLECTION
from facerec.api.rest.problems import problems
from facerec.api.rest.reasons import REASON
from facerec.api.rest.requests.parameters import (
    ClusterPath,
    CollectionPath,
    FacePath,
    NextToken,
    PersonPath,
)
from facerec.api.rest.requests.people import ClusterRequest, NameClusterRequest
from facerec.api.rest.uploads import JsonRoute
from facerec.core.limits import DEFAULT_CLUSTERS, MAX_CLUSTER_PAGE
from facerec.gallery.presenting.clusters import cluster_json, cluster_page_json, clustering_json
from facerec.gallery.presenting.people import association_json
from facerec.jobs.aws.clustering_jobs import ClusteringJob, ClusteringStatus


def clusters_router(context: Context) -> APIRouter:
    """Return the routes that find, list and name clusters."""
    router = APIRouter(prefix=COLLECTION, tags=["unknown people"], route_class=JsonRoute)
    gallery = context.gallery

    @router.post(
        "/clusters",
        summary="Cluster the faces that have been indexed since the last clustering",
        description="Faces of unknown people join clusters or create them. The first clustering of "
        "a million faces takes minutes. On AWS, a job does it: the response is 202 with the job. "
        "A request during a clustering starts no second job.",
        responses={
            **problems(404, 415),
            200: response_doc("What changed.", "clustering"),
            202: response_doc("The job, at `Location`.", "clustering-job"),
        },
    )
    async def cluster_faces(
        request: Request, collection_id: CollectionPath, body: ClusterRequest
    ) -> JSONResponse:
        jobs = context.clusterings
        if jobs is not None:

            def start() -> ClusteringJob:
                gallery.check_clustering(collection_id, pair_threshold=body.pair_threshold)
                return jobs.start(collection_id, body.pair_threshold)

            job = await context.run(request, start, collection_id=collection_id, writes=True)
            location = request.url_for("clustering", collection_id=collection_id).path
            return JSONResponse(job.to_json(), 202, {"Location": location})
        return await context.respond(
            request,
            lambda: gallery.cluster_faces(collection_id, pair_threshold=body.pair_threshold),
            clustering_json,
            collection_id=collection_id,
            writes=True,
            cpu_bound=True,
        )

    @router.get(
        "/clustering",
        name="clustering",
        summary="Return the newest job on AWS that clusters the faces of a collection",
        responses={**problems(404), 200: response_doc("The job.", "clustering-job")},
    )
    async def describe_clustering(request: Request, collection_id: CollectionPath) -> JSONResponse:
        jobs = context.clusterings

        def newest() -> ClusteringJob:
            gallery.check_clustering(collection_id)
            if jobs is None:
                return ClusteringJob(collection_id, ClusteringStatus.NONE)
            return jobs.newest(collection_id)

        return await context.respond(
            request, newest, ClusteringJob.to_json, collection_id=collection_id
        )

    @router.get(
        "/clusters",
        summary="List the clusters of unknown people, largest first",
        responses={**problems(404), 200: response_doc("A page of clusters.", "cluster-list")},
    )
    async def list_clusters(
        request: Request,
        collection_id: CollectionPath,
        limit: Annotated[int, Query(ge=1, le=MAX_CLUSTER_PAGE)] = DEFAULT_CLUSTERS,
        next_token: NextToken = None,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.list_clusters(collection_id, next_token=next_token, limit=limit),
            cluster_page_json,
            collection_id=collection_id,
        )

    @router.get(
        "/clusters/{cluster_id}",
        summary="Describe a cluster, even if it is ignored",
        responses={**problems(404), 200: response_doc("The cluster.", "cluster")},
    )
    async def describe_cluster(
        request: Request, collection_id: CollectionPath, cluster_id: ClusterPath
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.describe_cluster(collection_id, cluster_id),
            cluster_json,
            collection_id=collection_id,
        )

    @router.put(
        "/clusters/{cluster_id}/person",
        summary="Add the faces of a cluster to a person, who is created if nobody has the id",
        dependencies=REASON,
        responses={
            **problems(404, 409, 415),
            200: response_doc(
                "The faces that were associated, and those that were not.", "association"
            ),
        },
    )
    async def name_cluster(
        request: Request,
        collection_id: CollectionPath,
        cluster_id: ClusterPath,
        body: NameClusterRequest,
    ) -> JSONResponse:
        return await context.respond(
            request,
            lambda: gallery.name_cluster(collection_id, cluster_id, body.user_id, name=body.name),
            association_json,
            collection_id=collection_id,
            writes=True,
        )

    return router


def cluster_statements_router(context: Context) -> APIRouter:
    """Return the routes that ignore clusters, and state whom or what faces do not show."""
    router = APIRouter(prefix=COLLECTION, tags=["unknown people"], route_class=JsonRoute)
    gallery = context.gallery

    @router.put(
        "/clusters/{cluster_id}/ignored",
        status_code=204,
        summary="Ignore a cluster from now on, with the faces that join it",
        dependencies=REASON,
        responses={**problems(404, 415), 204: DONE},
    )
    async def ignore_cluster(
        request: Request, collection_id: CollectionPath, cluster_id: ClusterPath
    ) -> Response:
        return await context.change(
            request,
            lambda: gallery.ignore_cluster(collection_id, cluster_id, ignored=True),
            collection_id=collection_id,
        )

    @router.delete(
        "/clusters/{cluster_id}/ignored",
        status_code=204,
        summary="Stop ignoring a cluster",
        dependencies=REASON,
        responses={**problems(404, 415), 204: DONE},
    )
    async def restore_cluster(
        request: Request, collection_id: CollectionPath, cluster_id: ClusterPath
    ) -> Response:
        return await context.change(
            request,
            lambda: gallery.ignore_cluster(collection_id, cluster_id, ignored=False),
            collection_id=collection_id,
        )

    @router.put(
        "/clusters/{cluster_id}/not-same/{person}",
        status_code=204,
        summary="State that no face of a cluster shows a person; later searches respect this",
        dependencies=REASON,
        responses={**problems(404, 409, 415), 204: DONE},
    )
    async def not_same_cluster(
        request: Request,
        collection_id: CollectionPath,
        cluster_id: ClusterPath,
        person: PersonPath,
    ) -> Response:
        return await context.change(
            request,
            lambda: gallery.not_same_cluster(collection_id, cluster_id, person),
            collection_id=collection_id,
        )

    @router.put(
        "/faces/{face_id}/not-a-face",
        status_code=204,
        summary="State that a detection is not a face, so that no cluster contains it",
        dependencies=REASON,
        responses={**problems(404, 409, 415), 204: DONE},
    )
    async def not_a_face(
        request: Request, collection_id: CollectionPath, face_id: FacePath
    ) -> Response:
        return await context.change(
            request,
            lambda: gallery.not_a_face(collection_id, face_id, lift=False),
            collection_id=collection_id,
        )

    @router.delete(
        "/faces/{face_id}/not-a-face",
        status_code=204,
        summary="Remove the statement that a detection is not a face",
        dependencies=REASON,
        responses={**problems(404, 415), 204: DONE},
    )
    async def lift_not_a_face(
        request: Request, collection_id: CollectionPath, face_id: FacePath
    ) -> Response:
        return await context.change(
            request,
            lambda: gallery.not_a_face(collection_id, face_id, lift=True),
            collection_id=collection_id,
        )

    return router
