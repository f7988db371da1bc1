"""JSON twins of messages, readable paths, and their description."""

import json
from importlib.resources import files

import pytest
from google.api import annotations_pb2, http_pb2
from google.api.http_pb2 import CustomHttpPattern, HttpRule
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import code_pb2, error_details_pb2, status_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.openapi import openapi
from gateway.core.path import HTTP, Paths, queried, rules_of
from gateway.core.twin import (
    HTTP_STATUS,
    NotAMessage,
    error_of,
    http_status,
    json_of,
    message_of,
    queried_message,
    refusal_text,
)
from gateway.route import ROUTES
from mesh.rpc import to_status
from rushes.annotation.v1.annotation_service_pb2 import ListAnnotationsRequest
from rushes.errors import ResourceExhausted
from rushes.project.v1.project_service_pb2 import GetProjectResponse, Project, UpdateProjectRequest

UNARY = {path: route.method for path, route in ROUTES.items() if not route.streams}
RULES = rules_of(UNARY.values())
PATHS = Paths(RULES)
COMMENTS = json.loads(files("gateway").joinpath("comments.json").read_text())
LIST: Descriptor = ListAnnotationsRequest.DESCRIPTOR
BIG = 2**62 + 1


# -- paths --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.verb} {rule.template}")
def test_a_rule_names_an_rpc_with_one_answer_and_fields_that_it_has(rule) -> None:  # type: ignore[no-untyped-def]
    for name in rule.fields:
        inner: Descriptor | None = UNARY[rule.method].input_type
        for part in name.split("."):
            assert inner is not None
            inner = inner.fields_by_name[part].message_type
    assert PATHS.find(rule.verb, rule.template.replace("{", "").replace("}", "")) is not None


def test_streams_have_no_readable_path() -> None:
    assert rules_of(route.method for route in ROUTES.values() if route.streams) == []


def test_what_only_reads_is_a_get_and_nothing_else_is() -> None:
    for rule in RULES:
        assert ROUTES[rule.method].reads == (rule.verb == "GET"), rule.template
        assert rule.body == (rule.verb in ("POST", "PATCH"))


def test_only_notes_of_an_asset_name_another_thing_than_the_call_is_about() -> None:
    assert [rule.template for rule in RULES if rule.by_asset] == ["/api/v1/assets/{asset_id}/annotations"]


@pytest.mark.parametrize(
    "rule",
    [
        HttpRule(get="/v1/elsewhere"),
        HttpRule(get="/api/v1/{name=projects/*}"),
        HttpRule(get="/api/v1/files/*"),
        HttpRule(post="/api/v1/projects", body="project"),
        HttpRule(custom=CustomHttpPattern(kind="FETCH", path="/api/v1/projects")),
        HttpRule(),
    ],
)
def test_a_rule_of_a_kind_that_is_not_read_is_refused_at_start(rule: HttpRule) -> None:
    file = FileDescriptorProto(name="odd.proto", package="odd", dependency=["google/api/annotations.proto"])
    file.message_type.add(name="Nothing")
    method = file.service.add(name="Service").method.add(
        name="Call", input_type=".odd.Nothing", output_type=".odd.Nothing"
    )
    method.options.Extensions[HTTP].CopyFrom(rule)
    pool = DescriptorPool()
    for needed in (descriptor_pb2, http_pb2, annotations_pb2):
        pool.AddSerializedFile(needed.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    with pytest.raises(ValueError, match="not read here"):
        rules_of([pool.FindMethodByName("odd.Service.Call")])


def test_no_two_rules_are_the_same() -> None:
    shapes = [(rule.verb, rule.pattern.pattern) for rule in RULES]
    assert len(set(shapes)) == len(shapes)


@pytest.mark.parametrize(
    ("verb", "path", "method", "values"),
    [
        ("GET", "/api/v1/projects", "ListProjects", {}),
        ("GET", "/api/v1/projects/7", "GetProject", {"project_id": "7"}),
        ("PATCH", "/api/v1/projects/7", "UpdateProject", {"project.project_id": "7"}),
        ("GET", "/api/v1/annotations/12", "ListAnnotations", {"video_id": "12"}),
        ("GET", "/api/v1/assets/12/annotations", "ListAnnotations", {"asset_id": "12"}),
        ("POST", "/api/v1/projects/7/assets:delete", "DeleteAssets", {"project_id": "7"}),
        ("DELETE", "/api/v1/projects/7/folders/8", "DeleteFolder", {"project_id": "7", "folder_id": "8"}),
        ("GET", "/api/v1/projects/a%2Fb", "GetProject", {"project_id": "a/b"}),
    ],
)
def test_a_path_is_found_with_its_fields(verb: str, path: str, method: str, values: dict[str, str]) -> None:
    match = PATHS.find(verb, path)
    assert match is not None
    assert (match.rule.method.rpartition("/")[2], match.values) == (method, values)


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/projects/", "/api/v1/projects/7/", "/api/v1//projects"])
def test_another_path_is_not(path: str) -> None:
    assert PATHS.find("GET", path) is None
    assert PATHS.verbs(path) == []


def test_a_path_says_which_http_methods_it_has() -> None:
    assert PATHS.find("DELETE", "/api/v1/projects") is None
    assert PATHS.verbs("/api/v1/projects") == ["GET", "POST"]


# -- messages -----------------------------------------------------------------------------------------------------


def test_numbers_past_2_53_are_strings_and_may_come_as_either() -> None:
    project = Project(project_id=BIG, name="Größe")
    raw = json_of(GetProjectResponse(project=project))
    assert json.loads(raw) == {"project": {"projectId": str(BIG), "name": "Größe"}}
    for text in (f'"{BIG}"', str(BIG)):
        message = message_of(UpdateProjectRequest.DESCRIPTOR, b'{"project": {"projectId": ' + text.encode() + b"}}")
        assert message == UpdateProjectRequest(project=Project(project_id=BIG))


def test_the_path_counts_more_than_the_body() -> None:
    body = b'{"project": {"name": "New"}, "updateMask": "name"}'
    message = message_of(UpdateProjectRequest.DESCRIPTOR, body, path={"project.project_id": "7"})
    assert isinstance(message, UpdateProjectRequest)
    assert (message.project.project_id, message.project.name, list(message.update_mask.paths)) == (7, "New", ["name"])


def test_a_query_has_fields_of_all_kinds() -> None:
    query = queried(
        [("q", "frame:1234"), ("kinds", "stroke"), ("kinds", "ANNOTATION_KIND_ARROW"), ("kinds", "4"),
         ("resolved", "true"), ("page_size", "5"), ("frames.first", "3"), ("audience", "client")]
    )  # fmt: skip
    message = queried_message(LIST, query, {"video_id": str(BIG)})
    assert isinstance(message, ListAnnotationsRequest)
    assert (message.query, list(message.kinds), message.resolved) == ("frame:1234", [1, 3, 4], True)
    assert (message.page_size, message.video_id, message.audience) == (5, BIG, 2)


@pytest.mark.parametrize(
    "query",
    [
        {"nothing": ["1"]},
        {"page_size": ["many"]},
        {"page_size": ["1", "2"]},
        {"page_size": [str(BIG)]},
        {"kinds": ["nothing"]},
        {"resolved": ["perhaps"]},
        {"frames": ["1"]},
        {"frames.nothing": ["1"]},
        {"page_size.more": ["1"]},
        {"video_id": ["1.5"]},
    ],
)
def test_a_query_that_is_none_is_refused_with_words(query: dict[str, list[str]]) -> None:
    with pytest.raises(NotAMessage, match=r"\w+"):
        queried_message(LIST, query, {})


@pytest.mark.parametrize(
    "raw",
    [b"[]", b"{", b'"x"', b"\xff", b'{"nothing": 1}', b'{"videoId": "x"}', b'{"kinds": 1}', b'{"frames": 1}',
     b'{"pageToken": "\\ud800"}', b'{"videoId": 1.5}', b"[" * 100_000, b'{"videoId": 99999999999999999999}',
     b'{"\\ud800": 1}', b'{"frames": {"\\udfff": 1}}', b'{"kinds": ["\\ud800"]}',
     "{}".encode("utf-16"), b'{"pageToken": "\xed\xa0\x80"}'],
)  # fmt: skip
def test_json_that_is_no_such_message_is_refused(raw: bytes) -> None:
    with pytest.raises(NotAMessage):
        message_of(LIST, raw)


def test_nothing_is_an_empty_message() -> None:
    assert message_of(LIST, b" ") == message_of(LIST, b"\xef\xbb\xbf{}") == ListAnnotationsRequest()


TEXTS = st.text(st.characters(exclude_categories=()), max_size=10)
"""Halves of pairs of UTF-16 among them, which JSON can say."""
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from([field.json_name for field in LIST.fields]) | TEXTS


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_any_json_gives_a_message_or_a_refusal(fields: dict[str, object]) -> None:
    try:
        message = message_of(LIST, json.dumps(fields).encode())
    except NotAMessage:
        return
    assert message_of(LIST, json_of(message)) == message


def test_a_path_inside_of_what_is_no_message_is_refused() -> None:
    with pytest.raises(NotAMessage):
        message_of(UpdateProjectRequest.DESCRIPTOR, b'{"project": 1}', path={"project.project_id": "7"})


# -- errors -------------------------------------------------------------------------------------------------------


def test_an_error_can_be_read_without_protobuf() -> None:
    error = ResourceExhausted("Too many.")
    error.retry_after_s = 1.5
    found = error_of(to_status(error, "r1"))
    assert (found["code"], found["message"]) == ("resource_exhausted", "Too many.")
    info, retry = found["details"]
    assert (info["type"], info["debug"]["reason"]) == ("google.rpc.ErrorInfo", "RESOURCE_EXHAUSTED")
    assert retry["debug"] == {"retryDelay": "1.500s"}


def test_codes_have_the_names_and_http_statuses_of_connect() -> None:
    assert error_of(status_pb2.Status(code=code_pb2.CANCELLED)) == {"code": "canceled"}
    assert set(HTTP_STATUS) == set(code_pb2.Code.values()) - {0}
    assert (http_status(code_pb2.NOT_FOUND), http_status(77)) == (404, 500)


def test_a_code_that_is_none_is_unknown() -> None:
    assert error_of(status_pb2.Status(code=77)) == {"code": "unknown"}


def test_a_refusal_of_http_has_the_form_of_an_error() -> None:
    text = refusal_text(code_pb2.UNIMPLEMENTED, "Calls are made with POST.")
    assert json.loads(text) == {"code": "unimplemented", "message": "Calls are made with POST."}


def test_a_detail_that_is_not_known_is_passed_on_as_it_is() -> None:
    status = status_pb2.Status(code=code_pb2.NOT_FOUND)
    status.details.add().Pack(error_details_pb2.Help())
    (detail,) = error_of(status)["details"]
    assert detail == {"type": "google.rpc.Help", "value": ""}


# -- the description ----------------------------------------------------------------------------------------------


def test_the_description_has_every_call_and_every_reference_leads_somewhere() -> None:
    document = openapi(UNARY, RULES, "1.2.3", COMMENTS)
    text = json.dumps(document)
    assert set(UNARY) <= set(document["paths"])
    assert {rule.verb.lower() for rule in RULES} == {
        verb for path, verbs in document["paths"].items() for verb in verbs if path.startswith("/api/")
    }
    schemas = document["components"]["schemas"]
    for reference in {part.partition('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}:
        assert reference in schemas
    operations = [one["operationId"] for verbs in document["paths"].values() for one in verbs.values()]
    assert len(set(operations)) == len(operations)
    annotation = schemas["rushes.annotation.v1.Annotation"]["properties"]
    assert (annotation["id"]["type"], annotation["id"]["format"]) == ("string", "byte")
    project = schemas["rushes.project.v1.Project"]["properties"]
    assert project["projectId"]["type"] == "string"


def test_the_description_says_of_everything_what_the_protos_say() -> None:
    document = openapi(UNARY, RULES, "1.2.3", COMMENTS)
    operation = document["paths"]["/api/v1/projects/{project_id}"]["get"]
    assert (operation["description"], operation["parameters"][0]["description"]) == ("A project.", "The project.")
    for verbs in document["paths"].values():
        for one in verbs.values():
            assert one["description"]
            assert set(one["tags"]) <= {tag["name"] for tag in document["tags"] if tag["description"]}
    audience = document["components"]["schemas"]["rushes.type.v1.Audience"]
    assert "AUDIENCE_CLIENT: Everybody who may view." in audience["description"].splitlines()
    for name, schema in document["components"]["schemas"].items():
        for field in schema.get("properties", {}).values() if name.startswith("rushes.") else ():
            assert field["description"], name
