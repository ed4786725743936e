"""The memory of a collection: the outcome of each photo, so that a run reads only changed photos.

**What is kept.** Each photo has a line with its address, external image id, version, digest of the
options, outcome, image key and number of faces (``photos.RememberedPhoto``). The version is an
ETag, or a file's size, mtime and ctime. It is returned together with the content, so the file
cannot change between the two. A file whose times are so recent that a further change might not
alter them has no version, and is processed again (``versions``).

**Where.** A complete child writes one sorted file into its job folder, once. Beside the job
folders, ``remembered@COLLECTION/CREATED/`` contains a note for each job, which names the job folder
(``notes``). So the memory belongs to one creation of a collection, moves with the data, and is
deleted with the collection. The notes are numbered: of two lines about one photo, the one with the
higher number counts. From time to time, many notes are merged into one file. For incomplete
children, the rows of the ledger are read instead.

**How it is used.** The planner merges the sorted listing of a source with the sorted memory, in one
pass over both, and without a request per photo (``comparison``). The rest becomes the job's
manifest: photos that are new or changed, or were processed with other options. Children do not use
the memory.

**Photos that are gone.** Lines whose photos were replaced, and with ``prune`` those whose photos
are gone, are listed in the job folder. When the job is complete, their faces are removed, unless
the photo exists after all, or another address holds the same photo (``jobs.stale_faces``).

**What is not trusted.** The memory records what was done with a photo, not what the store contains.
If the store has changed since the last run, the ledgers are compared with it and lost faces are
restored, as described in ``jobs.verifying``. If the memory is lost, too old or damaged, photos are
read again.

**Doubts.** Job folders and the database may have been restored from different copies, or a job may
have been deleted. Then the collection may have faces of photos that the memory lacks, and ``prune``
would keep them. So a job records a doubt before it is planned if the version of the stored faces is
not the one that the last run noted (``jobs.verifying.collection_check``). The next job that prunes
a folder then compares the stored faces below that folder with the photos (``jobs.unremembered``),
once for each doubt and folder (``doubts``).
"""
