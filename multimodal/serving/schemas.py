"""The JSON of requests and answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, model_validator

_DIGITS = 20
_LONGEST, _MOST = 1_000, 1_000
_PICTURE = "the picture in base64 (JPEG, PNG, WebP, …), or a data URL; no picture is fetched from an address"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", protected_namespaces=())


def _length(value: object, info: ValidationInfo) -> object:
    in_form = info.mode == "python"
    if in_form and isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < _DIGITS:
        value = int(value)
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise ValueError("give a whole number of at least 1, or auto")


Length = Annotated[
    int | Literal["auto"], PlainValidator(_length, json_schema_input_type=Annotated[int, Field(ge=1)] | Literal["auto"])
]

# What is kept of users for good is of a size that nobody has to fear.
Name = Annotated[str, Field(max_length=_LONGEST)]
Hashtags = Annotated[list[Name], Field(max_length=_MOST)]


class HistoryPost(_Strict):
    """An earlier post of the user, given for one request only."""

    caption: str | None = Field(None, examples=["Low tide at dusk"])
    hashtags: Hashtags = Field(default_factory=list, examples=[["sea", "dusk"]])
    timestamp: str | None = Field(None, examples=["2024-05-01T18:00:00Z"])
    image: str | None = Field(None, description=_PICTURE, examples=[None])


class Query(_Strict):
    """A post that hashtags are asked for; at least one of picture, caption and user."""

    image: str | None = Field(None, description=_PICTURE, examples=[None])
    caption: str | None = Field(None, examples=["Nothing beats a walk by the sea."])
    user_id: Name | None = Field(None, description="who posts; may be unknown", examples=["ann"])
    timestamp: str | None = Field(None, description="ISO 8601; after all known posts by default", examples=[None])


class UserInPath(_Strict):
    """A user whom an address names."""

    user_id: Name


class Rules(_Strict):
    """What is recommended to a user, and what not; in a request each takes the place of the one kept for the user."""

    only: Literal["mine", "known", "any"] | list[Name] | None = Field(
        None,
        description="recommend nothing but these; mine: those of the user; known: those that anybody has used; any: "
        "lift the rule that is kept",
        examples=[None],
    )
    never: list[Name] | None = Field(None, description="not recommended", examples=[None])
    always: list[Name] | None = Field(None, description="recommended first", examples=[None])
    replace: dict[Name, Name] | None = Field(None, description="hashtags, and what takes their place", examples=[None])
    language: str | None = Field(
        None,
        description="code of a language; only hashtags used in it; any: lift the rule that is kept",
        examples=[None],
    )


class Rerank(_Strict):
    """Another order of the best hashtags: not redundant, not merely popular."""

    method: Literal["mmr", "dpp"] = "mmr"
    diversity: float = Field(0.0, ge=0, le=1, description="how much a list avoids hashtags that are used together")
    popularity: float = Field(0.0, ge=0, le=1, description="how much it avoids popular ones")
    pool: int = Field(30, ge=1, le=1_000, description="how many of the best hashtags are reordered")
    one_of_each: bool = Field(False, description="list only one of hashtags that mean the same")


class RequestOptions(Rules):
    """What is asked of posts: how many hashtags, in which order, and which rules they obey."""

    k: Length = Field(5, description="how many hashtags; auto for the list with the highest expected F1", examples=[5])
    minimum: int | None = Field(None, ge=1, description="shortest list of auto", examples=[None])
    maximum: int | None = Field(None, ge=1, description="longest list of auto", examples=[None])
    include_caption_hashtags: bool = Field(False, description="also recommend hashtags of the caption")
    explain: bool = Field(False, description="say what brought each hashtag")
    rerank: Rerank | None = Field(None, examples=[None])
    model: str | None = Field(None, description="see /models; the first by default", examples=[None])

    def options(self) -> dict[str, Any]:
        """Return the arguments of `recommend`."""
        return self.model_dump(include=set(RequestOptions.model_fields) - {"model"}, exclude_none=True)


class RecommendRequest(Query, RequestOptions):
    """One post, and what is asked of it."""

    history: list[HistoryPost] | None = Field(
        None, description="earlier posts of this user, used for this request only", examples=[None]
    )


class BatchRequest(RequestOptions):
    """Several posts, and what is asked of each."""

    posts: list[Query] = Field(min_length=1)


class Source(BaseModel):
    """What brought a hashtag."""

    name: str
    effect: float = Field(description="how much it moved the score; comparable within one answer only")
    posts: list[str] = Field(description="ids of the posts behind it")


class RecommendedHashtag(BaseModel):
    """One hashtag of an answer."""

    hashtag: str = Field(description="without the sign")
    score: float = Field(description="comparable within one answer only")
    probability: float | None = Field(
        None, description="that the post carries it; null where scores are not probabilities"
    )
    sources: list[Source] | None = Field(None, description="where explain was asked for, and the model can say")


class RecommendAnswer(BaseModel):
    """Hashtags for one post, best first."""

    recommendations: list[RecommendedHashtag]
    answer_id: str = Field(description="names this answer in /feedback")
    model: str


class Failure(BaseModel):
    """Why there is no answer."""

    status: int
    message: str


class ErrorAnswer(BaseModel):
    """A request that was not answered."""

    error: Failure


class BatchAnswer(BaseModel):
    """For each post its answer, or why there is none."""

    answers: list[RecommendAnswer | ErrorAnswer]


class ObservedPost(_Strict):
    """A post to remember."""

    post_id: Name | None = Field(None, examples=["p-1001"])
    user_id: Name | None = Field(None, examples=["ann"])
    timestamp: str | None = Field(None, description="ISO 8601; now by default", examples=[None])
    caption: str | None = Field(None, examples=["Low tide #sea"])
    hashtags: Hashtags | None = Field(None, description="those of the caption by default", examples=[["sea"]])
    image: str | None = Field(None, description=_PICTURE, examples=[None])


class ObserveRequest(ObservedPost):
    """A post to remember, or several as `posts`, all or none."""

    posts: list[ObservedPost] | None = Field(None, min_length=1, description="instead of one", examples=[None])
    model: str | None = Field(None, examples=[None])

    @model_validator(mode="after")
    def _one_way(self) -> ObserveRequest:
        given = sorted(self.model_fields_set - {"posts", "model"})
        if self.posts is not None and given:
            raise ValueError(f"give either posts or one post, not both; {', '.join(given)} stand beside posts")
        return self

    def each(self) -> list[ObservedPost]:
        """Return the posts."""
        return [self] if self.posts is None else self.posts


class Observed(BaseModel):
    """What is remembered now."""

    observed: int
    remembered: int = Field(description="posts in the memory")
    dropped_hashtags: list[str] | None = Field(
        None, description="those given of which nothing is remembered, such as numbers alone; missing if there are none"
    )


class FeedbackRequest(_Strict):
    """What a user did with an answer; give `answer_id` or `post_id`."""

    answer_id: str | None = Field(None, examples=[None])
    post_id: Annotated[Name, Field(min_length=1)] | None = Field(None, examples=["p-1001"])
    user_id: Name | None = Field(None, examples=["ann"])
    accepted: Hashtags = Field(default_factory=list, examples=[["sea"]])
    rejected: Hashtags = Field(default_factory=list, examples=[["beach"]])
    added: Hashtags = Field(default_factory=list, examples=[["lowtide"]])
    model: str | None = Field(None, examples=[None])


class Kept(BaseModel):
    """The feedback is in the memory."""

    kept: bool = True


class Forgotten(BaseModel):
    """How many posts of the user were remembered."""

    posts: int


class Exported(BaseModel):
    """All that is held about a user."""

    model_config = ConfigDict(extra="allow")


class ModelAbout(BaseModel):
    """A model that is served."""

    name: str
    system: str
    hashtags: int = Field(description="that it can name")
    remembered: int = Field(description="posts in its memory")
    memory: str = Field(description="`process` or `log`: where its memory is kept")
    loaded_at: str


class Models(BaseModel):
    """The models; the first answers where a request names none."""

    models: list[ModelAbout]


class Health(BaseModel):
    """The process answers."""

    status: str = "ok"


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": description}
    for status, description in {
        400: "the body is not what its Content-Type says",
        401: "the API key is missing or wrong",
        404: "there is no such model or answer",
        408: "the body did not arrive in time",
        409: "the post is remembered already",
        413: "the body is too large",
        415: "the Content-Type is not accepted",
        422: "a value cannot be used; the message says which, and what is accepted",
        503: "too many posts are waiting, or the memory is away; see Retry-After",
        504: "no answer in time",
    }.items()
}
