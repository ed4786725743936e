"""dlib's networks: weights, their conversion to ONNX, and the sessions that run them."""
