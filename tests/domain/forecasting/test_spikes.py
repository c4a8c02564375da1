"""One fleet order must not set the reorder point for a year."""

from __future__ import annotations

from streamer.domain.forecasting.spikes import cut_spikes


def test_a_fleet_order_among_usual_sales_is_cut_back() -> None:
    guarded = cut_spikes([4, 5, 6, 5, 4, 200, 5, 6])

    assert guarded.spikes == (5,)
    assert guarded.limit == 5 + 4 * 2.5
    assert guarded.history == (4, 5, 6, 5, 4, 15, 5, 6)


def test_the_usual_sale_of_a_rare_part_is_no_spike() -> None:
    assert cut_spikes([0, 0, 2, 0, 0, 0, 2, 0, 3, 0, 0, 1, 0, 2]).spikes == ()


def test_equal_sales_do_not_make_another_size_a_spike() -> None:
    assert cut_spikes([5] * 20 + [7]).spikes == ()


def test_too_few_sales_are_left_alone() -> None:
    history = [1.0, 0.0, 1.0, 500.0]

    assert cut_spikes(history) == (tuple(history), (), None)
