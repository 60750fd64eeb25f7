"""What the anthropic package makes of the simulated endpoint that clients_test.py serves.

anthropic_client.py BASE_URL KEY
"""

import sys

import anthropic

BASE_URL, KEY = sys.argv[1:]
TALK = {
    "model": "simulated",
    "system": "be brief",
    "messages": [{"role": "user", "content": "tell me a tale"}],
    "max_tokens": 7,
    "extra_body": {"ignore_eos": True},  # exact lengths
}


def make_client(**changes):
    settings = {"base_url": BASE_URL.removesuffix("/v1"), "api_key": KEY, "max_retries": 0}
    return anthropic.Anthropic(**{**settings, **changes})


client = make_client()

# 1: an answer in one piece.
answer = client.messages.create(**TALK)
assert answer.stop_reason == "max_tokens" and answer.usage.output_tokens == 7, answer
assert len(answer.content[0].text.split()) == 7, answer

# 2: a stream.
with client.messages.stream(**TALK) as stream:
    text = "".join(stream.text_stream)
    last = stream.get_final_message()
assert text == answer.content[0].text == last.content[0].text, last
assert last.stop_reason == "max_tokens" and last.usage.output_tokens == 7, last
assert last.usage.input_tokens + last.usage.cache_read_input_tokens == answer.usage.input_tokens, last

# 3: HTTP 429; 4: an error in mid-stream, under HTTP 200.
try:
    client.messages.create(**TALK)
    raise AssertionError("429 is no answer")
except anthropic.RateLimitError:
    pass
words = []
try:
    with client.messages.stream(**TALK) as stream:
        words.extend(stream.text_stream)
    raise AssertionError("an error is no end")
except anthropic.APIError as failed:
    assert "injected" in str(failed), failed

for kind, attempt in (
    (anthropic.AuthenticationError, lambda: make_client(api_key="wrong").messages.create(**TALK)),
    (anthropic.BadRequestError, lambda: client.messages.create(**{**TALK, "messages": []})),
):
    try:
        attempt()
        raise AssertionError(f"{kind.__name__} was expected")
    except kind:
        pass

print(f"anthropic {anthropic.__version__}: ok")
