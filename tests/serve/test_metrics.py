from nextword.serve.metrics import Metrics


def test_it_is_prometheus_text() -> None:
    metrics = Metrics()
    metrics.read(10)
    for seconds, is_first in ((0.2, True), (0.01, False), (0.02, False), (100.0, False)):
        metrics.wrote(seconds, is_first)
    metrics.answered("/v1/completions", 200, 0.3)
    lines = metrics.render(running=1, waiting=2, rows=4).splitlines()
    assert 'nextword_requests_total{path="/v1/completions",status="200"} 1' in lines
    assert "nextword_prompt_tokens_total 10" in lines
    assert "nextword_written_tokens_total 4" in lines
    assert 'nextword_first_token_seconds_bucket{le="0.1"} 0' in lines
    assert 'nextword_first_token_seconds_bucket{le="0.25"} 1' in lines
    assert 'nextword_next_token_seconds_bucket{le="0.01"} 1' in lines  # a bound belongs to what lies below it
    assert 'nextword_next_token_seconds_bucket{le="60.0"} 2' in lines
    assert 'nextword_next_token_seconds_bucket{le="+Inf"} 3' in lines
    assert "nextword_next_token_seconds_count 3" in lines
    assert "nextword_waiting 2" in lines
    named = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(named) == len(set(named))
