import { ApiError } from "./api.js";
import { t } from "./text.js";

/** The text of an error for people: the server's own, or a general one for a fault of this page. */
export function explain(error) {
  if (error instanceof ApiError) return error.message;
  console.error(error);
  return t("error.page");
}
