"""Forecast of the time and cost of a job, compared with Amazon Rekognition's price."""
