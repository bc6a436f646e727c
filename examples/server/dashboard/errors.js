import { ApiError } from "./api.js";
import { t } from "./text.js";

/** What to tell people of an error: the server's words, or, for a fault of this page, that there is one. */
export function explain(error) {
  if (error instanceof ApiError) return error.message;
  console.error(error);
  return t("error.page");
}
