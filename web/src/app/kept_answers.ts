/** Answers of the services that what was seen can be shown from without a network: kept by person, given when none can be reached. */
import { create, fromBinary, toBinary, toJsonString } from "@bufbuild/protobuf";
import { Code, ConnectError, createContextKey, type Interceptor, type UnaryRequest } from "@connectrpc/connect";
import { MediaService } from "../gen/rushes/media/v1/media_service_pb";
import { IdentityService } from "../gen/rushes/project/v1/identity_service_pb";
import { ProjectService } from "../gen/rushes/project/v1/project_service_pb";
import { lookUp, putAway, takeOff } from "../session/shelf";

/** Of a call that only looks whether something changed the answer is not kept: it is asked for every few seconds. */
export const PASSING = createContextKey(false);

const KEPT: ReadonlySet<object> = new Set([
  ProjectService.method.listProjects,
  ProjectService.method.listAssets,
  ProjectService.method.listFolders,
  ProjectService.method.listTags,
  ProjectService.method.getAsset,
  MediaService.method.getVideo,
  MediaService.method.listRenditions,
  MediaService.method.getFrameTimes,
  IdentityService.method.listPeople,
  IdentityService.method.getSettings,
]);

/** Whether nobody was reached: what the network or a gateway that is away says, not what a service says. */
export function isUnreachable(error: unknown): boolean {
  if (error instanceof TypeError) return true;
  if (!(error instanceof ConnectError) || error.details.length > 0) return false;
  return error.code === Code.Unavailable || error.code === Code.DeadlineExceeded || error.cause instanceof TypeError;
}

function keyOf({ method, message }: UnaryRequest): string {
  return `${method.parent.typeName}/${method.name} ${toJsonString(method.input, message)}`;
}

/** Keeps answers for whoever is here, and gives them when nobody can be reached. */
export function keepAnswers(personId: () => string): Interceptor {
  return (next) => async (request) => {
    if (request.stream || !KEPT.has(request.method) || request.contextValues.get(PASSING)) return next(request);
    const [who, key] = [personId(), keyOf(request)];
    try {
      const answer = await next(request);
      if (!answer.stream) void putAway("answers", who, key, toBinary(request.method.output, answer.message));
      return answer;
    } catch (error) {
      if (!isUnreachable(error)) {
        // What one may not see any more, or what is gone, is not shown from memory either.
        if (error instanceof ConnectError && [Code.NotFound, Code.PermissionDenied].includes(error.code)) void takeOff("answers", who, key);
        throw error;
      }
      const kept = await lookUp("answers", who, key);
      if (!kept) throw error;
      const { method, service } = request;
      const message = fromBinary(method.output, kept);
      return { stream: false, service, method, header: new Headers(), trailer: new Headers(), message: create(method.output, message) };
    }
  };
}
