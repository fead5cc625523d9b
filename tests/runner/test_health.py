import pytest


def test_live_asks_nothing_else(client):
    answer = client.get("/health/live")

    assert (answer.status_code, answer.content) == (200, b"ok")
    assert client.post("/health/live").status_code == 405


@pytest.mark.django_db(transaction=True)
def test_ready_names_what_fails(client):
    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["failing"] == ["worker"]  # the tests run none
    assert answer.json()["checks"]["database"] == "ok"
    assert answer.json()["checks"]["broker"] == "ok"
    assert "no-store" in answer["Cache-Control"]
