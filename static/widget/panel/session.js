/** The visitor's session: one POST gives the token, the conversation and where the socket is. */

export class SessionRefused extends Error {
  constructor(problem) {
    super(problem.detail || problem.title || "refused");
    this.code = problem.code || "refused";
    this.status = problem.status || 0;
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
export async function openSession({ config, storage, page }) {
  const token = storage.get("token");
  const body = { key: config.key, ...(token ? { visitor_token: token } : {}), ...page };
  const session = await post(config.session_url, body);
  storage.set("token", session.visitor_token);
  return session;
}

/** Ask for a person in the current conversation. */
export function askForPerson({ config, session }) {
  return post(config.handover_url, { conversation_id: session.conversation_id }, { Authorization: `Bearer ${session.visitor_token}` });
}
