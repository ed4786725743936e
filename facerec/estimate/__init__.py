"""What a job would take and cost, and what Amazon Rekognition would charge for the same."""
