"""The packages that BUILD files name, as rules_python's pip extension gives them."""

PACKAGES = [
    "absl-py",
    "ai-edge-litert",
    "ai-edge-quantizer",
    "atheris",
    "av",
    "hypothesis",
    "matplotlib",
    "numpy",
    "onnxruntime",
    "pdoc",
    "pesq",
    "pystoi",
    "pytest",
    "scipy",
    "selenium",
    "soundfile",
    "soxr",
    "tensorboard",
    "tensorflow",
    "tensorflow-io",
    "tensorflow-model-optimization",
    "tf-keras",
    "tqdm",
    "tree-sitter",
    "tree-sitter-kotlin",
    "visqol-python",
]

def requirement(name):
    return "@pypi//:" + name
