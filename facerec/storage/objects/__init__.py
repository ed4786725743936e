"""Stores of objects: photos, manifests and job folders, on a local disk or in S3."""

from facerec.storage.objects.access import AccessPolicy
from facerec.storage.objects.objects import Objects
from facerec.storage.objects.protocol import ObjectInfo, ObjectStore

__all__ = ["AccessPolicy", "ObjectInfo", "ObjectStore", "Objects"]
