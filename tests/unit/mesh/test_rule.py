"""The rules that RPCs carry, and the table of who calls whom."""

from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor

from mesh.auth.rule import CALLERS, FILES, FieldMissing, _needs_problem, methods, problem_of, resource_of, rule_of
from rushes.annotation.v1 import annotation_service_pb2 as annotation_pb
from rushes.errors import NotFound
from rushes.project.v1 import audit_service_pb2 as audit_pb
from rushes.project.v1 import project_service_pb2 as project_pb
from rushes.type.v1 import access_pb2


@pytest.mark.parametrize("path", sorted(methods()))
def test_every_rpc_carries_a_rule_that_makes_sense(path: str) -> None:
    assert problem_of(methods()[path]) == ""


def test_every_service_of_the_protos_is_known_and_in_the_table_of_callers(root: Path) -> None:
    declared = {
        f"rushes.{file.parent.parent.name}.v1.{line.split()[1]}"
        for file in (root / "protos").rglob("*.proto")
        for line in file.read_text().splitlines()
        if line.startswith("service ")
    }
    known = {service.full_name for module in FILES for service in module.DESCRIPTOR.services_by_name.values()}
    assert declared == known == set(CALLERS)


def test_the_gateway_alone_relays() -> None:
    assert CALLERS["rushes.annotation.v1.RelayService"] == {"gateway"}


def test_an_unknown_method_has_no_rule() -> None:
    assert rule_of("/rushes.project.v1.ProjectService/Nothing") is None
    assert rule_of("") is None


def rule(service: str, method: str) -> access_pb2.AccessRule:
    """The rule of a method."""
    found = rule_of(f"/rushes.{service}/{method}")
    assert found is not None
    return found


def test_the_resource_is_found_in_a_field_of_a_field() -> None:
    update = rule("project.v1.ProjectService", "UpdateProject")
    request = project_pb.UpdateProjectRequest(project=project_pb.Project(project_id=7))
    assert resource_of(update, request) == access_pb2.Resource(kind=access_pb2.RESOURCE_KIND_PROJECT, id="7")
    collaborate = rule("annotation.v1.AnnotationService", "Collaborate")
    opening = annotation_pb.CollaborateRequest(open=annotation_pb.CollaborateOpen(video_id=2**63 - 1))
    assert resource_of(collaborate, opening).id == str(2**63 - 1)


def test_the_tenant_needs_no_field() -> None:
    resource = resource_of(rule("project.v1.AuditService", "ListEvents"), audit_pb.ListEventsRequest())
    assert resource == access_pb2.Resource(kind=access_pb2.RESOURCE_KIND_TENANT)


def test_a_first_message_that_is_not_open_is_refused() -> None:
    collaborate = rule("annotation.v1.AnnotationService", "Collaborate")
    with pytest.raises(FieldMissing):
        resource_of(collaborate, annotation_pb.CollaborateRequest(ping_ms=1))


def test_id_zero_is_nobodys() -> None:
    with pytest.raises(NotFound):
        resource_of(rule("project.v1.ProjectService", "GetProject"), project_pb.GetProjectRequest())


def method() -> MethodDescriptor:
    """A method of a made-up service, without a rule, whose request has a text `a` and a float `b`."""
    file = descriptor_pb2.FileDescriptorProto(name="made_up.proto", package="made.up", syntax="proto3")
    message = file.message_type.add(name="Request")
    field = descriptor_pb2.FieldDescriptorProto
    message.field.add(name="a", number=1, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    message.field.add(name="b", number=2, type=field.TYPE_FLOAT, label=field.LABEL_OPTIONAL)
    file.service.add(name="Service").method.add(name="Do", input_type="Request", output_type="Request")
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("made.up.Service").methods_by_name["Do"]


@pytest.mark.parametrize(
    ("needs", "said"),
    [
        (access_pb2.NeedsRule(resource=access_pb2.RESOURCE_KIND_VIDEO, field="a"), "needs no permission"),
        (access_pb2.NeedsRule(permission=access_pb2.PERMISSION_VIEW, field="a"), "or on nothing"),
        (
            access_pb2.NeedsRule(
                permission=access_pb2.PERMISSION_VIEW, resource=access_pb2.RESOURCE_KIND_VIDEO, field="c"
            ),
            "is no id",
        ),
        (
            access_pb2.NeedsRule(
                permission=access_pb2.PERMISSION_VIEW, resource=access_pb2.RESOURCE_KIND_VIDEO, field="b"
            ),
            "is no id",
        ),
        (
            access_pb2.NeedsRule(
                permission=access_pb2.PERMISSION_VIEW, resource=access_pb2.RESOURCE_KIND_VIDEO, field="a.c"
            ),
            "no field a.c",
        ),
        (
            access_pb2.NeedsRule(
                permission=access_pb2.PERMISSION_VIEW, resource=access_pb2.RESOURCE_KIND_TENANT, field="a"
            ),
            "names a field for the tenant",
        ),
    ],
)
def test_a_rule_that_cannot_hold_is_found(needs: access_pb2.NeedsRule, said: str) -> None:
    assert said in _needs_problem(method(), needs)


def test_an_rpc_without_a_rule_is_found() -> None:
    assert problem_of(method()) == "made.up.Service.Do has no access rule"
