"""Encoders as ONNX models: written, compared with torch, and run by ONNX Runtime."""
