/** The visitor's session: one POST gives the token, the conversation and where the socket is. */

export class SessionRefused extends Error {
  constructor(problem) {
    super(problem.detail || problem.title || "refused");
    this.code = problem.code || "refused";
    this.status = problem.status || 0;
    this.errors = problem.errors || [];
  }
}

async function post(url, body, headers = {}) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", ...headers },
    body: JSON.stringify(body),
    credentials: "omit",
  });
  const data = await response.json().catch(() => ({}));
  if (!response.ok) throw new SessionRefused({ status: response.status, ...data });
  return data;
}

/** Open or resume the visitor's session; the token is kept for the next visit. */
export async function openSession({ config, storage, page, userToken }) {
  const token = storage.get("token");
  const body = { key: config.key, ...(token ? { visitor_token: token } : {}), ...(userToken ? { user_token: userToken } : {}), ...page };
  const session = await post(config.session_url, body);
  storage.set("token", session.visitor_token);
  storage.set("identified", Boolean(session.identified));
  return session;
}

/** Make one of the visitor's other calls: `visitor`, `form`, `contact`, `rating` or `handover`. */
export function call(name, { config, session, ...body }) {
  return post(config[`${name}_url`], body, { Authorization: `Bearer ${session.visitor_token}` });
}

/** Ask for a person in the current conversation. */
export function askForPerson({ config, session }) {
  return call("handover", { config, session, conversation_id: session.conversation_id });
}
