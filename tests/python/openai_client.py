"""What the openai package makes of the simulated endpoint that clients_test.py serves.

openai_client.py BASE_URL KEY
"""

import sys

import openai

BASE_URL, KEY = sys.argv[1:]
QUESTION = [{"role": "user", "content": "tell me a tale"}]
FIXED = {"ignore_eos": True}  # exact lengths


def make_client(**changes):
    return openai.OpenAI(**{"base_url": BASE_URL, "api_key": KEY, "max_retries": 0, **changes})


def ask(client, **more):
    settings = {"model": "simulated", "messages": QUESTION, "max_tokens": 7, "extra_body": FIXED}
    return client.chat.completions.create(**{**settings, **more})


client = make_client()
assert [model.id for model in client.models.list()] == ["simulated"]

# 1: an answer in one piece.
answer = ask(client)
assert answer.usage.completion_tokens == 7, answer
assert len(answer.choices[0].message.content.split()) == 7, answer
assert answer.choices[0].finish_reason == "length", answer

# 2: a stream, with usage at its end.
chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert len(text.split()) == 7, text
assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "length", chunks
assert chunks[-1].usage.completion_tokens == 7, chunks[-1]
assert chunks[-1].usage.prompt_tokens == 11, chunks[-1]
assert len({chunk.id for chunk in chunks}) == 1

# 3: HTTP 429 with Retry-After.
try:
    ask(client)
    raise AssertionError("429 is no answer")
except openai.RateLimitError as refused:
    assert refused.response.headers["retry-after"] == "0", refused.response.headers

# 4: an error in mid-stream, under HTTP 200.
words = []
try:
    for chunk in ask(client, stream=True):
        words.append(chunk.choices[0].delta.content)
    raise AssertionError("an error is no end")
except openai.APIError as failed:
    assert "injected" in str(failed), failed
assert len([word for word in words if word]) == 2, words

# The other APIs, and what is refused.
stream = client.completions.create(
    model="simulated", prompt="once upon a time", max_tokens=5, stream=True, extra_body=FIXED
)
assert len("".join(chunk.choices[0].text for chunk in stream).split()) == 5
talk = {"model": "simulated", "input": QUESTION, "max_output_tokens": 6, "extra_body": FIXED}
answer = client.responses.create(**talk)
assert answer.status == "incomplete" and answer.incomplete_details.reason == "max_output_tokens", answer
assert len(answer.output_text.split()) == answer.usage.output_tokens == 6, answer
*_, last = events = list(client.responses.create(**talk, stream=True))
text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
assert text == last.response.output_text == answer.output_text, last
assert last.type == "response.incomplete" and last.response.usage == answer.usage, last
assert [event.sequence_number for event in events] == list(range(len(events))), events
texts = {"model": "simulated", "input": ["once upon a time", "the end"]}
packed = client.embeddings.create(**texts)  # as base64, which the package unpacks
plain = client.embeddings.create(**texts, encoding_format="float", dimensions=8)
assert packed.usage.prompt_tokens == packed.usage.total_tokens == 6, packed.usage
assert [vector.index for vector in packed.data] == [0, 1], packed
assert [len(vector.embedding) for vector in packed.data] == [256, 256], packed
for short, long in zip(plain.data, packed.data):
    assert len(short.embedding) == 8, plain
    assert all(abs(a - b) < 1e-6 for a, b in zip(short.embedding, long.embedding)), plain
for kind, attempt in (
    (openai.AuthenticationError, lambda: make_client(api_key="wrong").models.list()),
    (openai.NotFoundError, lambda: ask(client, model="other")),
    (openai.BadRequestError, lambda: ask(client, n=2)),
    (openai.BadRequestError, lambda: client.embeddings.create(model="simulated", input="")),
):
    try:
        attempt()
        raise AssertionError(f"{kind.__name__} was expected")
    except kind:
        pass

print(f"openai {openai.__version__}: ok")
