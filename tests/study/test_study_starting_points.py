"""Models and checkpoints made elsewhere: read without torch, pinned by content, refused where they do not fit."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model_folders import llama_shapes, write_model, write_safetensors, write_tokenizer
from titrant.errors import StudyError
from titrant.plan import make_plan
from titrant.plan.fingerprint import identity_of
from titrant.study.architecture import Architecture, OutsideArchitecture
from titrant.study.load import open_study
from titrant.study.outside import describe_model, end_of_text_of, tensor_shapes
from titrant.study.starting_points import reference_shapes
from titrant.study.study import Study
from titrant.study.world import content_of_folder, pin_study


@pytest.fixture
def cooled(write_study: Any, demo_text: str) -> Any:
    """Writes the demo study on the model in its folder, with changes by hand; returns its path."""

    def write(*changes: tuple[str, str]) -> Path:
        text = demo_text.replace("{layers: 2, width: 32, heads: 2, ffn_width: 64}", "{hugging_face: model}")
        text = text.replace("{vocabulary: 280, mixture: balanced, training_bytes: 50kB}", "{file: model}")
        for phase in ("whole: {parts: 10,", "init: {"):
            text = text.replace(phase, f"{phase} initialisation: {{checkpoint: model}},")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        path: Path = write_study(text)
        if not (path.parent / "model").exists():
            write_model(path.parent / "model")
        return path

    return write


def pinned(path: Path) -> Study:
    return pin_study(open_study(path))


def problems_of(path: Path) -> list[str]:
    with pytest.raises(StudyError) as caught:
        pinned(path)
    return [str(problem).replace(str(path.parent), "HERE") for problem in caught.value.problems]


def test_a_model_is_described_from_its_config_and_the_shapes_of_its_tensors(tmp_path: Path) -> None:
    found = describe_model(write_model(tmp_path))
    matrices = 2 * (16 * 8 + 8 * 16 + 2 * 8 * 8 + 3 * 8 * 12)
    assert (found.family, found.layers, found.width, found.heads, found.head_width) == ("llama", 2, 8, 4, 4)
    assert (found.vocabulary, found.positions, found.tied_embeddings, found.ffn_width) == (300, 128, True, 12)
    assert found.matrix_parameters == matrices
    assert found.non_embedding_parameters == matrices + 5 * 8


def test_shapes_are_read_from_all_files_of_an_index(tmp_path: Path) -> None:
    shapes, places = llama_shapes(), {}
    write_model(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    for number, name in enumerate(shapes):
        write_safetensors(tmp_path / f"part-{number % 3}.safetensors", {})
        places[name] = f"part-{number % 3}.safetensors"
    for file in set(places.values()):
        write_safetensors(tmp_path / file, {name: shapes[name] for name in shapes if places[name] == file})
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    assert tensor_shapes(tmp_path) == dict(sorted(shapes.items()))
    (tmp_path / "part-1.safetensors").unlink()
    with pytest.raises(
        StudyError, match=r"lacks 1 of its 3 weight files, first 'part-1.safetensors'; finish the download"
    ):
        describe_model(tmp_path)


@pytest.mark.parametrize(
    ("tied", "in_file", "expected"), [(None, False, True), (None, True, False), (False, True, False)]
)
def test_an_output_matrix_is_tied_as_the_config_says_or_the_file_shows(
    tmp_path: Path, tied: bool | None, in_file: bool, expected: bool
) -> None:
    shapes = llama_shapes() | ({"lm_head.weight": (300, 8)} if in_file else {})
    found = describe_model(write_model(tmp_path, shapes, tie_word_embeddings=tied))
    assert found.tied_embeddings is expected
    architecture = OutsideArchitecture(hugging_face=str(tmp_path), **found.__dict__)
    assert architecture.count_parameters(300)[1] == 300 * 8 * (1 if expected else 2)


def test_flops_follow_from_the_sizes_of_the_matrices(tmp_path: Path) -> None:
    architecture = OutsideArchitecture(hugging_face="model", **describe_model(write_model(tmp_path)).__dict__)
    expected = 6 * (architecture.matrix_parameters + 300 * 8) + 6 * 2 * 4 * 4 * 100
    assert architecture.flops_per_token(300, 100) == expected
    with pytest.raises(StudyError, match=r"the architecture of 'model' is not pinned"):
        OutsideArchitecture(hugging_face="model").flops_per_token(300, 100)


def test_flops_of_the_reference_block_are_the_same_either_way(tmp_path: Path) -> None:
    ours = Architecture(layers=3, width=16, heads=2, ffn_width=40)
    changes = {
        "hidden_size": 16,
        "intermediate_size": 40,
        "num_attention_heads": 2,
        "head_dim": 8,
        "num_hidden_layers": 3,
    }
    folder = write_model(tmp_path, reference_shapes(ours, 300), model_type="cohere", architectures=None, **changes)
    theirs = OutsideArchitecture(hugging_face="model", **describe_model(folder).__dict__)
    assert theirs.flops_per_token(300, 64) == ours.flops_per_token(300, 64)
    assert theirs.count_parameters(300) == ours.count_parameters(300)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"is_encoder_decoder": True}, "'llama' has an encoder and a decoder; name a causal language model"),
        ({"quantization_config": {}}, "its weights are quantised (quantization_config in config.json)"),
        ({"vision_config": {}}, "'llama' reads more than text; save its language model alone"),
        ({"auto_map": {}}, "its code lies in the folder (auto_map)"),
        (
            {"architectures": ["BertForMaskedLM"]},
            "it is a 'BertForMaskedLM'; name a causal language model (...ForCausalLM)",
        ),
        ({"num_experts": 8}, "'llama' is a mixture of experts; name a dense model"),
        ({"model_type": None}, "names no model_type: it is not the configuration of a model of transformers"),
        ({"num_hidden_layers": 0}, "says num_hidden_layers 0, where a model of family 'llama' needs a number above 0"),
        ({"model_type": "flurbo"}, "its model_type 'flurbo' is none of those whose loss and gradients were compared"),
        ({"model_type": "bert"}, "its model_type 'bert' is none of those whose loss and gradients were compared"),
        ({"model_type": "mixtral"}, "name a model of one of these"),
        ({"hidden_act": "zorp"}, "config.json' says hidden_act 'zorp', which transformers does not know; correct"),
        (
            {"rope_parameters": {"full_attention": {"rope_type": "bogus"}}},
            "says rope_parameters with rope_type 'bogus', which transformers does not know; correct the config",
        ),
        ({"num_hidden_layers": 4}, "has the tensors of 2 layers and its config.json says num_hidden_layers 4; correct"),
        (
            {"hidden_size": 40},
            "are not those that its config.json describes: 15 of 15 tensors differ: 'model.embed_tokens.weight' is "
            "[300, 8] and not [300, 40]",
        ),
        ({"num_key_value_heads": 4}, "'model.layers.0.self_attn.k_proj.weight' is [8, 8] and not [16, 8]"),
        ({"intermediate_size": 16}, "'model.layers.0.mlp.down_proj.weight' is [8, 12] and not [8, 16]"),
        ({"vocab_size": 299}, "has an embedding of 300 rows and its config.json says vocab_size 299"),
    ],
)
def test_a_model_that_cannot_be_trained_says_why(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    folder = write_model(tmp_path, llama_shapes(), **changes)
    with pytest.raises(StudyError) as caught:
        describe_model(folder)
    assert expected in str(caught.value)


def test_a_folder_of_something_else_is_told_what_to_do(tmp_path: Path) -> None:
    def said() -> str:
        with pytest.raises(StudyError) as caught:
            describe_model(tmp_path / "model")
        return str(caught.value)

    assert "does not exist; paths are read from the study's folder" in said()
    (tmp_path / "model").mkdir()
    assert "holds no config.json: name a folder as `save_pretrained` writes it" in said()
    (tmp_path / "model/adapter_config.json").write_text("{}")
    assert "holds an adapter and no model; merge it" in said()
    (tmp_path / "model/tiny.Q4.gguf").write_bytes(b"GGUF")
    assert "is a GGUF file, whose weights are quantised; write it as safetensors first" in said()
    write_model(tmp_path / "model")
    (tmp_path / "model/model.safetensors").unlink()
    assert "is a GGUF file" in said()
    (tmp_path / "model/tiny.Q4.gguf").unlink()
    assert "holds no model.safetensors" in said()
    (tmp_path / "model/pytorch_model.bin").write_bytes(b"")
    assert (
        "holds its weights as 'pytorch_model.bin' and not as safetensors, which alone are read: convert them" in said()
    )
    (tmp_path / "model/config.json").write_text("[]")
    assert "is not a JSON object" in said()
    (tmp_path / "model/config.json").write_text("{")
    assert "is not JSON" in said()


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x10\0\0\0\0\0\0\0{'no': 'json'}  ", b"\x02\0\0\0\0\0\0\0[]"])
def test_a_damaged_file_of_weights_is_named(tmp_path: Path, content: bytes) -> None:
    (write_model(tmp_path) / "model.safetensors").write_bytes(content)
    with pytest.raises(StudyError, match=r"model.safetensors' is damaged or no safetensors file"):
        describe_model(tmp_path)


def test_a_file_that_was_cut_short_is_damaged(tmp_path: Path) -> None:
    file = write_model(tmp_path) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(StudyError, match=r"is damaged or no safetensors file \(it has [\d,]+ bytes of [\d,]+\)"):
        describe_model(tmp_path)


def test_a_study_on_an_outside_model_is_pinned_by_what_it_holds(cooled: Any) -> None:
    path = cooled()
    study = pinned(path)
    architecture = study.scales["tiny"].architecture
    assert isinstance(architecture, OutsideArchitecture)
    assert (architecture.family, architecture.layers, architecture.vocabulary) == ("llama", 2, 300)
    tokenizer = study.tokenizer
    assert (tokenizer.file, tokenizer.end_of_text, tokenizer.vocabulary) == (  # type: ignore[union-attr]
        str(path.parent / "model/tokenizer.json"),
        "</s>",
        300,
    )
    (train, *_) = [job for job in make_plan(study).jobs.values() if job.kind == "train"]
    shown = identity_of(train.declaration)["architecture"]
    assert isinstance(shown, dict)
    assert "hugging_face" not in shown
    assert shown["content"] == architecture.content
    assert train.flops == train.tokens * architecture.flops_per_token(300, 64)
    again = Study.model_validate(study.canonical())
    assert again.canonical() == study.canonical()


def test_another_place_is_the_same_study_and_another_config_another(cooled: Any, tmp_path: Path) -> None:
    path = cooled()

    def marks() -> list[str]:
        return [job.fingerprint for job in make_plan(pinned(path)).jobs.values() if job.kind == "train"]

    before = marks()
    (path.parent / "model").rename(path.parent / "moved")
    path.write_text(
        path.read_text().replace("hugging_face: model", "hugging_face: moved").replace("file: model", "file: moved")
    )
    path.write_text(path.read_text().replace("checkpoint: model", "checkpoint: moved"))
    assert marks() == before
    write_model(path.parent / "moved", rope_theta=5.0)
    assert not set(marks()) & set(before)


def test_what_a_download_notes_down_for_itself_is_no_part_of_a_checkpoint(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    before = content_of_folder(folder)
    (folder / ".cache/huggingface/download").mkdir(parents=True)
    (folder / ".cache/huggingface/download/config.json.metadata").write_text("1732200000.5")
    assert content_of_folder(folder) == before
    (folder / "README.md").write_text("read me")
    assert content_of_folder(folder) != before


def test_an_end_of_text_that_is_given_holds_and_one_that_is_not_is_looked_for(cooled: Any, tmp_path: Path) -> None:
    path = cooled(("{file: model}", "{file: model, end_of_text: <|endoftext|>}"))
    assert pinned(path).tokenizer.end_of_text == "<|endoftext|>"  # type: ignore[union-attr]
    ids = {"</s>": 0, "<end>": 7}
    folder = write_model(tmp_path / "other", eos_token_id=[7, 0])
    assert end_of_text_of(folder, ids) == "<end>"
    write_model(folder, eos_token_id=None)
    (folder / "generation_config.json").write_text('{"eos_token_id": 7}')
    assert end_of_text_of(folder, ids) == "<end>"
    (folder / "generation_config.json").unlink()
    (folder / "tokenizer_config.json").write_text('{"eos_token": {"content": "</s>"}}')
    assert end_of_text_of(folder, ids) == "</s>"
    (folder / "tokenizer_config.json").unlink()
    with pytest.raises(StudyError, match=r"names no end-of-text token \(eos_token_id\) of its tokenizer"):
        end_of_text_of(folder, ids)


def test_a_sequence_longer_than_the_positions_is_refused(cooled: Any) -> None:
    path = cooled()
    write_model(path.parent / "model", max_position_embeddings=32)
    assert problems_of(path) == [
        "scale 'tiny' has a sequence_length of 64 tokens, and the model in 'HERE/model' reads 32 positions; lower "
        f"sequence_length (HERE/study.yaml:{_line(path, 'sequence_length')})"
    ]


def test_a_model_that_cannot_be_trained_is_refused_before_anything_runs_with_its_line(cooled: Any) -> None:
    path = cooled()
    write_model(path.parent / "model", model_type="bert")
    (line,) = problems_of(path)
    assert line.endswith(f"name a model of one of these (HERE/study.yaml:{_line(path, 'architecture')})")


def test_muon_is_refused_for_matrices_that_hold_query_key_and_value_of_each_head_in_turn(cooled: Any) -> None:
    path = cooled(("\nseeds:", "\noptimizer: {name: muon}\nseeds:"))
    assert pinned(path)
    shapes = llama_shapes() | {"model.layers.0.attention.query_key_value.weight": (48, 8)}
    write_model(path.parent / "model", shapes)
    assert problems_of(path) == [
        "Muon cannot train the model in 'HERE/model': 'model.layers.0.attention.query_key_value.weight' holds query, "
        "key and value of each head in turn, and Muon would turn them as one matrix; write `optimizer: {name: adamw}` "
        f"(HERE/study.yaml:{_line(path, 'optimizer')})"
    ]


def test_a_tokenizer_with_more_entries_than_the_embedding_is_refused_and_one_with_fewer_is_not(cooled: Any) -> None:
    path = cooled()
    write_tokenizer(path.parent / "model/tokenizer.json", 290)
    assert pinned(path).tokenizer.vocabulary == 290
    write_tokenizer(path.parent / "model/tokenizer.json", 310)
    assert problems_of(path) == [
        "the tokenizer has 310 entries and the embedding of the model in 'HERE/model' 300 rows (scale 'tiny'): tokens "
        "from 300 on have none; take the model's own tokenizer (`tokenizer: {file: HERE/model}`) "
        f"(HERE/study.yaml:{_line(path, 'tokenizer')})"
    ]


def test_a_checkpoint_of_another_architecture_says_which_tensors_differ(cooled: Any) -> None:
    path = cooled(("initialisation: {checkpoint: model}", "initialisation: {checkpoint: other}"))
    write_model(path.parent / "other", intermediate_size=16)
    assert problems_of(path) == [
        "the checkpoint in 'HERE/other' is of another architecture than the model in 'HERE/model' of scale 'tiny': 6 of "
        "20 tensors differ: 'model.layers.0.mlp.down_proj.weight' is [8, 16] and not [8, 12]; "
        "'model.layers.0.mlp.gate_proj.weight' is [16, 8] and not [12, 8]; 'model.layers.0.mlp.up_proj.weight' is "
        "[16, 8] and not [12, 8]; and 3 more; name the checkpoint's own architecture, or another checkpoint "
        f"(HERE/study.yaml:{_line(path, 'whole')})"
    ]


def test_a_checkpoint_of_the_reference_block_is_compared_with_the_declared_one(cooled: Any) -> None:
    reference = "{layers: 2, width: 32, heads: 2, ffn_width: 64}"
    path = cooled(("{hugging_face: model}", reference))
    (line,) = problems_of(path)
    assert line.startswith(
        "the checkpoint in 'HERE/model' is a 'llama' model, and scale 'tiny' declares the reference block; write "
        "`architecture: {hugging_face: HERE/model}` to train that model"
    )
    shapes = reference_shapes(Architecture(layers=3, width=32, heads=2, ffn_width=64), 300)
    write_model(path.parent / "model", shapes, model_type="cohere")
    (line,) = problems_of(path)
    assert "is of another architecture than the declared architecture of scale 'tiny': 8 of 26 tensors differ" in line
    assert "'model.layers.2.input_layernorm.weight' [32] has no place" in line
    shapes = reference_shapes(Architecture(layers=2, width=32, heads=2, ffn_width=64), 300)
    write_model(path.parent / "model", shapes | {"lm_head.weight": (300, 32)}, model_type="cohere")
    assert pinned(path)


def test_a_checkpoint_goes_on_only_with_its_own_tokens(cooled: Any) -> None:
    own = ("{file: model}", "{vocabulary: 280, mixture: balanced, training_bytes: 50kB}")
    (line,) = problems_of(cooled(own))
    assert (
        "was trained with its own tokenizer, and the study trains another; write `tokenizer: {file: HERE/model}`"
        in line
    )
    path = cooled(("{file: model}", "{file: other.json}"))
    vocabulary = {"<|endoftext|>": 0, "</s>": 1} | {f"t{number}": number for number in range(2, 300)}
    (path.parent / "other.json").write_text(json.dumps({"model": {"vocab": vocabulary}}))
    (line,) = problems_of(path)
    assert "was trained with another tokenizer: 2 tokens have another id in 'HERE/other.json', first '</s>'" in line


def test_a_model_without_a_checkpoint_starts_from_new_weights_with_any_tokenizer(cooled: Any) -> None:
    path = cooled(
        ("{file: model}", "{vocabulary: 280, mixture: balanced, training_bytes: 50kB}"),
        (" initialisation: {checkpoint: model},", ""),
    )
    jobs = [job.declaration for job in make_plan(pinned(path)).jobs.values() if job.kind == "train"]
    assert {job.phase.initialisation for job in jobs} == {"scratch", "previous"}  # type: ignore[union-attr]


def test_what_is_given_of_a_model_must_match(cooled: Any) -> None:
    (line,) = problems_of(cooled(("{hugging_face: model}", "{hugging_face: model, layers: 3}")))
    assert line.startswith(
        "the model in 'HERE/model' has layers 2, the study says 3; correct the study, or leave it out"
    )
    path = cooled(("{hugging_face: model}", f"{{hugging_face: model, content: {'ab' * 32}}}"))
    (line,) = problems_of(path)
    assert line.startswith("the configuration of 'HERE/model' changed: the study pins content abababababab…")


def test_a_model_folder_without_a_tokenizer_says_how_to_get_it(cooled: Any) -> None:
    path = cooled()
    (path.parent / "model/tokenizer.json").unlink()
    (line,) = problems_of(path)
    assert line.startswith("'HERE/model' holds no tokenizer.json; save its tokenizer with `AutoTokenizer")


def test_an_outside_model_is_pinned_and_planned_without_torch_or_transformers(cooled: Any) -> None:
    code = (
        "import sys, titrant\n"
        "from titrant.study.load import open_study\n"
        "from titrant.study.world import content_of_folder, pin_study\n"
        f"titrant.make_plan(pin_study(open_study({str(cooled())!r})))\n"
        "print([name for name in ('torch', 'transformers', 'safetensors') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def _line(path: Path, key: str) -> int:
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.strip().startswith(f"{key}:"))
