"""Models and contents of files reach the split: rules on what a model says, and shares by what a file holds."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from titrant.corpus import find_all_signals
from titrant.jobs import SignalsJob
from titrant.study.source import Source

OBJECTIVE_C = "@interface A{n} : NSObject\n- (void)run;\n@end\n"
MATLAB = "function y = f{n}(x)\n% doubles\ny = 2 * x;\nend\n"


def silent(done, total, unit, note=""):
    """A progress that says nothing."""


def test_shares_are_of_languages_by_content(tmp_path, documents, split):
    code = tmp_path / "code"
    code.mkdir()
    for n in range(12):
        (code / f"a{n}.m").write_text((OBJECTIVE_C if n % 3 else MATLAB).replace("{n}", str(n)))
    _, folder = documents({"files": str(code)}, kind="code")
    signals, scratch = tmp_path / "signals", tmp_path / "signals-scratch"
    signals.mkdir()
    scratch.mkdir()
    job = SignalsJob(families=("language",))
    find_all_signals(job, {"documents": folder}, signals, scratch=scratch, progress=silent)
    shares = {"objective-c": 1, "matlab": 1}
    _, out = split(folder, language_shares=shares, signals=signals)
    fates = pq.read_table(out / "split.parquet")["fate"].to_pylist()
    assert fates.count("beyond its language's share") == 4  # of 8 in Objective-C, beside 4 in MATLAB


def test_a_rule_on_a_model_needs_its_declaration():
    rule = {"signal": "perplexity", "at_most": 1000}
    with pytest.raises(ValueError, match=r"a rule looks at 'perplexity', and no model .* declare `perplexity` in the"):
        Source.model_validate({"kind": "text", "from": [{"files": "a"}], "rules": [rule]})
    declared = {"perplexity": {"model": "small"}}
    source = Source.model_validate({"kind": "text", "from": [{"files": "a"}], "rules": [rule], "models": declared})
    assert source.models.perplexity.model == "small"
