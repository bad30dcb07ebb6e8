/** Looks into one client's builds: the table of the calls that are more than forwarded. */
import { BUILD_ID_METADATA, CONTROL, LLB_BRIDGE } from "../buildkit/methods.js";
import { headerValue } from "../grpc/http2/header-list.js";
import type { HeaderList } from "../grpc/http2/header-list.js";
import type { Interception, Interceptor } from "../relay/interception.js";
import { ClientBuilds } from "./client-builds.js";
import type { InterceptDeps } from "./client-builds.js";
import { interceptSolve } from "./control-solve.js";
import { interceptStatus } from "./control-status.js";
import { interceptReturn } from "./gateway-return.js";
import { interceptGatewaySolve } from "./gateway-solve.js";
import { interceptSession } from "./session-tunnel.js";

export class BuildInterceptor implements Interceptor {
  readonly #client: ClientBuilds;

  constructor(deps: InterceptDeps) {
    this.#client = new ClientBuilds(deps);
  }

  call(path: string, headers: HeaderList): Interception | undefined {
    switch (path) {
      case CONTROL.session:
        return interceptSession(this.#client, headers);
      case CONTROL.solve:
        return interceptSolve(this.#client);
      case CONTROL.status:
        return interceptStatus(this.#client);
      case LLB_BRIDGE.solve:
      case LLB_BRIDGE.return: {
        const build = this.#client.builds.get(headerValue(headers, BUILD_ID_METADATA) ?? "");
        if (build === undefined) return undefined;
        const intercept = path === LLB_BRIDGE.solve ? interceptGatewaySolve : interceptReturn;
        return intercept(this.#client, build);
      }
      default:
        return undefined;
    }
  }

  closed(): void {
    // All calls have ended, and with them their builds.
    this.#client.sharedKeys.clear();
    this.#client.progress.clear();
  }
}
