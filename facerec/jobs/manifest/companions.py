"""Files next to photos that are not photos: videos, sidecars, and thumbnails of other programs."""

from __future__ import annotations

VIDEOS = frozenset(
    {".mov", ".mp4", ".m4v", ".avi", ".mkv", ".3gp", ".mts", ".m2ts", ".mpg", ".webm", ".lrv"}
    | {".mp", ".mpeg", ".wmv", ".flv", ".insv", ".mod", ".tod", ".vob"}
)
"""Extensions of videos. ``.mp`` is the video of a motion photo from a Pixel phone."""

SIDECARS = frozenset(
    {".json", ".jsonl", ".xmp", ".aae", ".thm", ".xml", ".pp3", ".dop"}
    | {".txt", ".md", ".csv", ".html", ".pdf", ".on1", ".nksc", ".cos", ".lrcat"}
    | {".gpx", ".kml", ".nmea", ".ini", ".db", ".vtt", ".srt", ".log", ".nfo", ".htm"}
)
SHORTCUTS = frozenset({".lnk", ".url", ".webloc", ".desktop"})
UNFINISHED = frozenset({".part", ".partial", ".crdownload", ".download"})
ARCHIVES = frozenset({".gz", ".zip", ".7z", ".rar", ".tar", ".tgz"})
AUDIO = frozenset({".wav", ".mp3", ".m4a", ".aac", ".amr", ".ogg"})
SYSTEM_FILES = frozenset(
    {"thumbs.db", "desktop.ini", "ehthumbs.db", ".ds_store", ".picasa.ini", "picasa.ini"}
    | {"synoindex_media_info", "icon\r", ".nomedia", "autorun.inf"}
)
FOREIGN_FOLDERS = frozenset(
    {"@eadir", "#recycle", "@recycle", "$recycle.bin", "__macosx", ".thumbnails", "lost+found"}
)
"""Folders of Synology, QNAP, Windows, macOS and Linux: thumbnails, deleted and recovered files."""


def describe_companion(uri: str) -> str | None:
    """Return the kind of a file whose name shows that it is not a photo, or None if it may be one.

    Args:
        uri: A path or an ``s3://`` address.
    """
    folder, _, name = uri.lower().rstrip("/").rpartition("/")
    stem, dot, extension = name.rpartition(".")
    suffix = dot + extension if stem else ""
    if not FOREIGN_FOLDERS.isdisjoint(folder.split("/")):
        return "in a folder of thumbnails or deleted files"
    if name in SYSTEM_FILES or name.startswith("._"):
        return "a file of the operating system"
    if suffix in VIDEOS:
        return "a video file"
    if suffix in SIDECARS:
        return "a sidecar file"
    if suffix in SHORTCUTS:
        return "a shortcut"
    if suffix in UNFINISHED:
        return "an unfinished download"
    if name.endswith("~"):
        return "a backup of an editor"
    if suffix in AUDIO:
        return "an audio file"
    if suffix in ARCHIVES:
        return "an archive"
    return None
