"""Tiny models of the families that an engineer may start from, as folders that transformers wrote."""

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    ArceeConfig,
    AutoModelForCausalLM,
    Cohere2Config,
    CohereConfig,
    Ernie4_5Config,
    Exaone4Config,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    Glm4Config,
    GlmConfig,
    GPT2Config,
    GPTNeoXConfig,
    GraniteConfig,
    HeliumConfig,
    HunYuanDenseV1Config,
    LlamaConfig,
    MinistralConfig,
    MistralConfig,
    NemotronConfig,
    Olmo2Config,
    Olmo3Config,
    OlmoConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
    SeedOssConfig,
    SmolLM3Config,
    StableLmConfig,
    Starcoder2Config,
)

VOCABULARY = 300
COMMON = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "pad_token_id": None,
    "bos_token_id": 1,
    "eos_token_id": 0,
    "initializer_range": 0.1,
}
HEADS = {"head_dim": 8}
WINDOW = {"sliding_window": 16}

FAMILIES = {
    "llama": LlamaConfig(**COMMON),
    "qwen2": Qwen2Config(**COMMON),
    "qwen3": Qwen3Config(**COMMON, **HEADS),
    "gemma": GemmaConfig(**COMMON, **HEADS),
    "gemma2": Gemma2Config(**COMMON, **HEADS, **WINDOW, query_pre_attn_scalar=8),
    "gemma3": Gemma3TextConfig(**COMMON, **HEADS, **WINDOW, query_pre_attn_scalar=8),
    "cohere": CohereConfig(**COMMON, logit_scale=0.3),
    "cohere2": Cohere2Config(**COMMON, **WINDOW, logit_scale=0.4),
    "olmo": OlmoConfig(**COMMON),
    "olmo2": Olmo2Config(**COMMON),
    "olmo3": Olmo3Config(**COMMON, **WINDOW),
    "mistral": MistralConfig(**COMMON, **WINDOW),
    "phi3": Phi3Config(**COMMON),
    "smollm3": SmolLM3Config(**COMMON),
    "arcee": ArceeConfig(**COMMON, **HEADS),
    "ernie4_5": Ernie4_5Config(**COMMON, **HEADS),
    "exaone4": Exaone4Config(**COMMON, **HEADS, **WINDOW),
    "glm": GlmConfig(**COMMON, **HEADS),
    "glm4": Glm4Config(**COMMON, **HEADS),
    "helium": HeliumConfig(**COMMON, **HEADS),
    "hunyuan_v1_dense": HunYuanDenseV1Config(**COMMON, **HEADS),
    "ministral": MinistralConfig(**COMMON, **HEADS, **WINDOW),
    "nemotron": NemotronConfig(**COMMON, **HEADS),
    "seed_oss": SeedOssConfig(**COMMON, **HEADS),
    "stablelm": StableLmConfig(**COMMON),
    "starcoder2": Starcoder2Config(**COMMON),
    "granite": GraniteConfig(**COMMON, logits_scaling=4.0, embedding_multiplier=2.0, attention_multiplier=0.2),
    "gpt2": GPT2Config(
        vocab_size=VOCABULARY, n_embd=32, n_layer=3, n_head=4, n_positions=128, bos_token_id=1, eos_token_id=0
    ),
    "gpt_neox": GPTNeoXConfig(**{name: value for name, value in COMMON.items() if name != "num_key_value_heads"}),
}


def write_model(folder, family, seed=0, *, dtype=torch.float32, max_shard_size="5GB", **changes):
    """A folder with new weights of a family, and a tokenizer of bytes; returns the folder."""
    config = type(FAMILIES[family]).from_dict(FAMILIES[family].to_dict() | changes)
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=dtype)
    model.save_pretrained(folder, max_shard_size=max_shard_size)
    write_tokenizer(folder / "tokenizer.json")
    return folder


def write_tokenizer(file, vocabulary=VOCABULARY):
    """A tokenizer of bytes whose id 0 is `<|endoftext|>`, filled up with entries that no text needs."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    entries = ["<|endoftext|>", *alphabet, *(f"<{i}>" for i in range(vocabulary - 1 - len(alphabet)))]
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate(entries)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    tokenizer.save(str(file))
    return file


def batch(rows=2, length=40, seed=1):
    """Random tokens, one more than is read."""
    return torch.randint(VOCABULARY, (rows, length + 1), generator=torch.Generator().manual_seed(seed))
