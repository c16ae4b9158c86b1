# Triplette on the CPU: documents to a proven bundle. Written by Docker's documentation and not yet built: no Docker was at hand.
# Its commands with EXTRAS="" were run in a bookworm root, and as a user without a name there a folder became triplets and a scanned page text.
#
#   docker build -t triplette --build-arg TORCH_INDEX=URL .     # URL: the index of CPU wheels that pytorch.org's install page names
#   docker run --rm --user "$(id -u):$(id -g)" -v "$PWD:/work" triplette synth generate --corpus documents
#
# With EXTRAS="" the image has no torch: documents to a dataset. The run directory, the settings and the documents are in the folder that is mounted at /work.
FROM python:3.11-slim-bookworm AS build
ARG EXTRAS="[models,export,demo]"
RUN python -m venv /opt/triplette
COPY . /src
# the wheel without CUDA is a tenth of the size of the other; the pin holds for either. Without TORCH_INDEX it is the one with CUDA.
ARG TORCH_INDEX=""
RUN if [ -n "$TORCH_INDEX" ]; then /opt/triplette/bin/pip install --no-cache-dir --index-url "$TORCH_INDEX" "$(grep '^torch==' /src/constraints.txt)"; fi \
    && /opt/triplette/bin/pip install --no-cache-dir "/src$EXTRAS" --constraint /src/constraints.txt

FROM python:3.11-slim-bookworm
# pages that are pictures are read by tesseract; libgomp is faiss's and torch's
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 tesseract-ocr tesseract-ocr-fra && rm -rf /var/lib/apt/lists/*
COPY --from=build /opt/triplette /opt/triplette
# a user without a home; models that are downloaded stay in the folder that is mounted
ENV PATH=/opt/triplette/bin:$PATH HOME=/tmp HF_HOME=/work/.cache/huggingface PYTHONUNBUFFERED=1
WORKDIR /work
CMD ["synth", "--help"]
