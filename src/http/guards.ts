/** Who may come in. */
import type { Context, MiddlewareHandler } from "hono";
import { describe } from "../domain/errors.ts";
import { sameSecret } from "../wire/digest.ts";
import { DoorError } from "./errors.ts";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * For a door that everybody on the machine may use: a web page must not use it in their name. One of another site names
 * itself as the origin, and one whose name leads here (DNS rebinding) has that name as the host.
 */
export function refuseOtherSites(origins: readonly string[]): MiddlewareHandler {
  return async (c, next) => {
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    if (!LOOPBACK.test(host)) throw crossSite("host: expected localhost or a loopback address", host);
    const origin = c.req.header("origin");
    if (origin !== undefined && !isSame(origin, host) && !origins.includes(origin))
      throw crossSite("origin: expected none, this host or one that is allowed", origin);
    const site = c.req.header("sec-fetch-site");
    if (origin === undefined && (site === "cross-site" || site === "same-site"))
      throw crossSite("sec-fetch-site: expected none or same-origin", site);
    await next();
  };
}
function isSame(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === new URL(`http://${host}`).host;
}
function crossSite(expected: string, got: string): DoorError {
  return new DoorError(403, "cross_site", `${expected}, got ${describe(got)}`);
}

/** `authorization: Bearer <token>`, except where `isOpen`. */
export function requireToken(token: string, isOpen: (c: Context) => boolean): MiddlewareHandler {
  return async (c, next) => {
    const [, given = ""] = /^bearer +(\S+) *$/i.exec(c.req.header("authorization") ?? "") ?? [];
    if (!isOpen(c) && !sameSecret(given, token))
      throw new DoorError(401, "unauthorized", "authorization: expected Bearer and the token of this door", {
        "www-authenticate": "Bearer",
      });
    await next();
  };
}
