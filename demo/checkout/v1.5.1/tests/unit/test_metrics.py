import socket

from checkout import metrics


def test_the_collector_gets_each_request(monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as collector:
        collector.bind(("127.0.0.1", 0))
        collector.settimeout(2)
        monkeypatch.setenv("METRICS_COLLECTOR", f"127.0.0.1:{collector.getsockname()[1]}")
        metrics.observe(200, 0.0123)
        assert collector.recv(100) == b"checkout.request.200:12.3|ms"


def test_requests_are_counted_by_answer():
    metrics.observe(418, 0.001)
    assert 'http_requests_total{code="418"} 1' in metrics.text()
