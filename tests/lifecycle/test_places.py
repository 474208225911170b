from __future__ import annotations

from outlive.lifecycle.evidence import Evidence
from outlive.lifecycle.places import Place


def test_a_place_prints_as_file_and_line():
    assert "shop/orders.py:14" == str(Place("shop/orders.py", 14, 9, 14, 20))


def test_places_sort_as_one_reads_them():
    places = [Place("b.py", 1), Place("a.py", 10), Place("a.py", 9, 5), Place("a.py", 9)]

    assert ["a.py:9", "a.py:9", "a.py:10", "b.py:1"] == [str(place) for place in sorted(places)]
    assert 5 == sorted(places)[1].column


def test_evidence_prints_its_place_first():
    assert "shop.py:3: expired by the commit" == str(Evidence(Place("shop.py", 3), "expired by the commit"))
