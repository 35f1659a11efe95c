"""What a training step asks of torch."""

from benchmarks.events import operator_events


def test_a_step_of_spnet_on_a_small_grid_enters_fewer_than_6000_operators():
    count = sum(operator_events("spnet", (32, 48, 32)).values())
    print(f"{count} events of torch's operators")
    assert count < 6000
