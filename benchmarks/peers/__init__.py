"""The other programs, one file each, behind nextword's own interface (`nextword.bench.program`)."""

WRITERS = (
    "benchmarks.peers.transformers:Transformers",
    "benchmarks.peers.ctranslate2:CTranslate2",
    "benchmarks.peers.llama_cpp:LlamaCpp",
    "benchmarks.peers.onnxruntime:OnnxRuntime",
)
TRAINERS = (
    "benchmarks.peers.training:TransformersTraining",
    "benchmarks.peers.training:EagerRecipe",
)
