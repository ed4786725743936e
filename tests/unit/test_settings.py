"""Settings from the environment."""

from __future__ import annotations

import pytest

from facerec.config import read_settings
from facerec.errors import ConfigurationError


def test_an_empty_environment_gives_the_defaults() -> None:
    settings = read_settings({})
    assert (settings.max_faces, settings.min_confidence) == (100, 0.9)
    assert settings.similarity_threshold == 0.8
    assert settings.pinecone_api_key is None
    assert settings.threads is None


def test_an_empty_variable_counts_as_unset() -> None:
    assert read_settings({"AWS_S3_BUCKET": " ", "MAX_FACES_PER_IMAGE": ""}) == read_settings({})


def test_variables_have_the_names_of_the_original_service() -> None:
    settings = read_settings(
        {
            "MAX_FACES_PER_IMAGE": "3",
            "MIN_FACE_CONFIDENCE": "0.5",
            "SIMILARITY_THRESHOLD": "1",
            "ALLOWED_ORIGINS": "https://a.example, https://b.example",
            "PINECONE_API_KEY": "key",
            "PINECONE_INDEX_NAME": "faces",
            "AWS_REGION": "eu-west-1",
            "AWS_S3_BUCKET": "work",
        }
    )
    assert (settings.max_faces, settings.min_confidence) == (3, 0.5)
    assert settings.similarity_threshold == 1
    assert settings.allowed_origins == ("https://a.example", "https://b.example")
    assert (settings.pinecone_index_name, settings.region) == ("faces", "eu-west-1")
    assert settings.jobs_root == "s3://work/jobs/"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_FACES_PER_IMAGE", "0"),
        ("MAX_FACES_PER_IMAGE", "2.5"),
        ("MIN_FACE_CONFIDENCE", "nan"),
        ("MIN_FACE_CONFIDENCE", "1.1"),
        ("SIMILARITY_THRESHOLD", "high"),
        ("MAX_ARRAY_SIZE", "2"),
        ("MAX_ARRAY_SIZE", "10001"),
        ("FACEREC_THREADS", "-1"),
    ],
)
def test_an_invalid_value_is_named_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is '{value}'") as raised:
        read_settings({name: value})
    assert "correct it" in (raised.value.hint or "")


def test_a_number_that_must_be_whole_is_said_to_be_so() -> None:
    with pytest.raises(ConfigurationError, match="not a whole number from 1 to 100"):
        read_settings({"MAX_FACES_PER_IMAGE": "2.5"})


def test_printed_settings_do_not_contain_the_key() -> None:
    assert "secret-key" not in repr(read_settings({"PINECONE_API_KEY": "secret-key"}))


def test_folders_of_jobs_need_a_bucket() -> None:
    with pytest.raises(ConfigurationError, match="AWS_S3_BUCKET is not set"):
        _ = read_settings({}).jobs_root
