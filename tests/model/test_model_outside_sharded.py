"""An outside model whose weights lie in two processes computes what a whole one does."""

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh

from outside_families import batch, write_model
from titrant.model.outside import OutsideModel
from titrant.train.together.ranks import Ranks
from titrant.train.together.sharding import fill, shard

pytestmark = pytest.mark.slow
WORLD = 2


def _backward(model, tokens):
    loss = model.loss(tokens[:, :-1], tokens[:, 1:])
    loss.backward()
    return float(loss.detach())


def _compare(rank, folder, precision):
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=WORLD)
    ranks = Ranks(rank=rank, world=WORLD, layout="sharded", mesh=init_device_mesh("cpu", (WORLD,)))
    whole, sharded = (OutsideModel.of_folder(folder, precision) for _ in range(2))
    whole.load_state_dict(dict(whole.initial_weights(1)))
    sharded.recompute_blocks()
    shard(sharded, ranks, precision)
    fill(dict(sharded.named_parameters()), sharded.initial_weights(1), "new weights")
    assert _backward(sharded, batch()) == _backward(whole, batch())
    expected = dict(whole.named_parameters())
    for name, parameter in sharded.named_parameters():
        gradient = parameter.grad.full_tensor() if hasattr(parameter.grad, "full_tensor") else parameter.grad
        torch.testing.assert_close(gradient, expected[name].grad, rtol=1e-5, atol=1e-8, msg=name)
    dist.destroy_process_group()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_two_processes_compute_loss_and_gradients_of_one(precision, tmp_path):
    folder = write_model(tmp_path / "qwen3", "qwen3")
    torch.multiprocessing.spawn(_compare, (folder, precision), WORLD)
