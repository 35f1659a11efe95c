"""Our rivals against what their authors' own programs printed for the same inputs and weights."""

import numpy as np
import pytest
import torch

from spnet.device import to_device
from spnet.fields import warp
from spnet.methods import build_method
from spnet.weights import PUBLISHED, load_weights

BOUND = 1e-3  # voxels

# Of the authors' programs, or counted from their layer lists; CFWnet and SCCnet have SPnet's and VM's layers.
PARAMETERS = {
    "vm": 396_451,
    "difvm": 266_374,
    "pmrnet": 8_535_638,
    "lapirn": 923_748,
    "rcnet": 3 * 300_547,
    "cfwnet": 377_676,
    "sccnet": 396_451,
    "icnet": 1_111_840,
    "symnet": 1_124_448,
}


def images(arrays):
    return tuple(torch.from_numpy(arrays[name])[None, None] for name in ("moving", "fixed"))


def published(shared, name, implementation, options):
    network = build_method(implementation, options)
    load_weights(network, shared / "weights" / PUBLISHED[name].file)
    return to_device(network, torch.device("cpu")).eval()


def check(found, wanted, what):
    difference = np.abs(found[0].numpy() - wanted).max()
    print(f"{what}: largest difference {difference:.1e} voxels of {np.abs(wanted).max():.1f}")
    assert difference < BOUND, what
    assert np.abs(wanted).max() > 10 * BOUND, "a field that moves nothing would pass as well"


@pytest.mark.parametrize(("name", "count"), PARAMETERS.items())
def test_parameter_count_is_the_known_one(name, count):
    assert build_method(name).count_parameters() == count


@pytest.mark.parametrize(("variant", "diffeomorphic"), [("diff", True), ("disp", False)])
def test_lapirn_with_published_weights_gives_the_authors_field(shared, golden, variant, diffeomorphic):
    network = published(shared, f"lapirn-{variant}", "lapirn", {"diffeomorphic": diffeomorphic})
    arrays = golden(f"lapirn_{variant}_fea7")
    with torch.no_grad():
        registration = network(*images(arrays))
    check(registration.forward, arrays["field_moving_to_fixed"], f"LapIRN {variant}")


def test_symnet_with_published_weights_gives_the_authors_fields(shared, golden):
    network = published(shared, "symnet", "symnet", {"start_channel": 7})
    arrays = golden("symnet_oasis")
    with torch.no_grad():
        registration = network(*images(arrays))
    check(registration.forward, arrays["field_moving_to_fixed"], "SYMNet moving to fixed")
    check(registration.backward, arrays["field_fixed_to_moving"], "SYMNet fixed to moving")


def test_voxelmorph_with_the_legacy_programs_weights_gives_its_field_and_warped_image(golden):
    arrays = golden("voxelmorph_legacy_vm2")
    network = build_method("vm")
    network.load_state_dict(
        {
            name.removeprefix("weights/")
            .replace("unet_model.enc.", "unet.encoder.")
            .replace("unet_model.dec.", "unet.decoder.")
            .replace("unet_model.vm2_conv.", "unet.decoder.6.")
            .replace(".main.", ".0."): torch.from_numpy(arrays[name])
            for name in arrays
            if name.startswith("weights/") and not name.endswith("grid")
        }
    )
    moving, fixed = images(arrays)
    with torch.no_grad():
        displacement = network(moving, fixed).forward
        warped = warp(moving, displacement, network.sampler)
    check(displacement, arrays["field_moving_to_fixed"], "VoxelMorph")
    assert np.abs(warped[0, 0].numpy() - arrays["warped_moving"]).max() < 1e-4
