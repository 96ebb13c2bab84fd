# The service, on CPUs. docs/serving.md says how it is run.
FROM python:3.12-slim

RUN useradd --create-home --uid 10001 service
WORKDIR /app
COPY pyproject.toml setup.py README.md LICENSE ./
COPY configs configs
COPY data_loaders data_loaders
COPY multimodal multimodal
# PyTorch of PyPI brings CUDA; that of its own index for CPUs takes a tenth of the room.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
# pyproject.toml says which versions do.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir torch torchvision --index-url "${TORCH_INDEX}" \
    && pip install --no-cache-dir '.[serve,postgresql]'

USER 10001
EXPOSE 8000
ENV HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=2)"]
ENTRYPOINT ["multimodal-hashtags", "serve", "--host", "0.0.0.0"]
CMD ["--run", "/models/run"]
