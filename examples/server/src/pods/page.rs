//! The pages of a simulated pod. User input is always escaped.

use std::fmt::Write;

use axum::response::{Html, IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use neuropod::message::{self, Language};
use neuropod::pod::connection::ConnectionState;

use super::found::Found;
use crate::contract::pod::service_name;

/// The reload interval of a page whose pod is starting, in seconds.
const AGAIN: u32 = 2;

/// A page.
pub(super) struct Page {
    status: StatusCode,
    language: Language,
    title: String,
    /// HTML: everything except fixed text has passed [`escape`].
    content: String,
    /// Whether it reloads by itself.
    again: bool,
    script: bool,
}

impl Page {
    fn new(status: StatusCode, language: Language, title: &str, content: String) -> Self {
        Self {
            status,
            language,
            title: title.to_owned(),
            content,
            again: false,
            script: false,
        }
    }

    /// There is no such pod.
    pub(super) fn unknown(language: Language, host: &str) -> Self {
        let title = language.pick("Aquí no hay ningún pod", "There is no pod here");
        let text = language.pick(
            "Se borró, o la dirección está mal escrita. El panel muestra las direcciones de tus pods.",
            "It was deleted, or the address is wrong. The dashboard shows the addresses of your pods.",
        );
        let content = format!("<p>{text}</p><p class=\"muted\">{}</p>", escape(host));
        Self::new(StatusCode::NOT_FOUND, language, title, content)
    }

    /// The pod exists but does not serve now.
    pub(super) fn not_running(language: Language, found: &Found) -> Self {
        let (text, again) = match found.connection.state {
            ConnectionState::Starting | ConnectionState::AwaitingLogin => (
                language.pick(
                    "Está arrancando. Esta página se abrirá sola cuando esté listo.",
                    "It is starting. This page will open when it is ready.",
                ),
                true,
            ),
            ConnectionState::Failed => (
                language.pick(
                    "Ha fallado; el panel explica qué hacer.",
                    "It has failed; the dashboard says what to do.",
                ),
                false,
            ),
            _ => (
                language.pick(
                    "Está detenido. Inícialo en el panel y vuelve a cargar esta página.",
                    "It is stopped. Start it in the dashboard, then reload this page.",
                ),
                false,
            ),
        };
        let mut content = format!("<p>{text}</p>");
        if let Some(reason) = &found.pod.reason {
            let reason = message::reason_of(reason, language);
            content = format!("{content}<p class=\"wrong\">{}</p>", escape(reason));
        }
        Self {
            again,
            ..Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                language,
                &found.pod.name,
                content,
            )
        }
    }

    /// The pod asks for its token.
    pub(super) fn login(language: Language, found: &Found, is_wrong: bool) -> Self {
        let said = if is_wrong {
            language.pick(
                "Ese token no es el de este pod. Un token nuevo acompaña a cada inicio: copia el actual del panel.",
                "That token is not this pod's. Every start brings a new token: copy the current one from the dashboard.",
            )
        } else {
            language.pick(
                "Este pod pide su token. Ábrelo con «Conectar» en el panel, o copia de allí el token.",
                "This pod asks for its token. Open it with “Connect” in the dashboard, or copy the token from there.",
            )
        };
        let class = if is_wrong {
            " class=\"wrong\" role=\"alert\""
        } else {
            ""
        };
        let open = language.pick("Entrar", "Log in");
        let content = format!(
            "<p{class}>{said}</p><form method=\"get\" action=\"/\">\
             <label>Token<input name=\"token\" type=\"password\" autocomplete=\"off\" required></label>\
             <button>{open}</button></form>"
        );
        Self::new(StatusCode::FORBIDDEN, language, &found.pod.name, content)
    }

    /// The pod runs, and the visitor has access.
    pub(super) fn running(language: Language, found: &Found, gpu: &str) -> Self {
        let (pod, connection) = (&found.pod, &found.connection);
        let facts = [
            (
                language.pick("Servicio", "Service"),
                service_name(found.index, connection),
            ),
            (language.pick("Puerto", "Port"), connection.port.to_string()),
            (language.pick("Imagen", "Image"), pod.options.image().to_owned()),
            ("GPU", gpu.to_owned()),
        ];
        let mut content = String::from("<dl>");
        for (name, value) in facts {
            // Writing to a text does not fail.
            let _ = write!(content, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
        }
        let echo = language.pick(
            "En un pod real, aquí estaría su programa. Este devuelve lo que recibe por un WebSocket:",
            "In a real pod its program would be here. This one returns what it receives over a WebSocket:",
        );
        let [connecting, open, closed] = language.pick(
            [
                "Conectando…",
                "WebSocket conectado",
                "WebSocket cerrado; envía algo para conectar de nuevo",
            ],
            [
                "Connecting…",
                "WebSocket connected",
                "WebSocket closed; send something to connect again",
            ],
        );
        let [text, hello, send] = language.pick(["Texto", "hola", "Enviar"], ["Text", "hello", "Send"]);
        let _ = write!(
            content,
            "</dl><p>{echo}</p>\
             <form><label>{text}<input name=\"text\" value=\"{hello}\" maxlength=\"1000\" autocomplete=\"off\"></label>\
             <button>{send}</button></form>\
             <p id=\"state\" role=\"status\" class=\"muted\" data-open=\"{open}\" data-closed=\"{closed}\">{connecting}</p>\
             <ul id=\"heard\"></ul>"
        );
        Self {
            script: true,
            ..Self::new(StatusCode::OK, language, &pod.name, content)
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let language = self.language.pick("es", "en");
        let simulated = self.language.pick(
            "Pod simulado: no hay ningún contenedor detrás de esta página.",
            "Simulated pod: there is no container behind this page.",
        );
        let again = if self.again {
            format!("<meta http-equiv=\"refresh\" content=\"{AGAIN}\">")
        } else {
            String::new()
        };
        let script = if self.script {
            "<script src=\"/_neuropod/pod.js\" defer></script>"
        } else {
            ""
        };
        let title = escape(&self.title);
        let page = format!(
            "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">{again}<title>{title}</title>\
             <link rel=\"stylesheet\" href=\"/_neuropod/pod.css\">{script}</head>\
             <body><p class=\"simulated\">{simulated}</p><main><h1>{title}</h1>{}</main></body></html>\n",
            self.content
        );
        let mut response = (self.status, Html(page)).into_response();
        if self.again {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(AGAIN));
        }
        response
    }
}

/// Escapes a text for HTML, between tags or in a quoted attribute.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        assert_eq!(
            escape("<b title='x' id=\"y\">&amp;</b>"),
            "&lt;b title=&#39;x&#39; id=&quot;y&quot;&gt;&amp;amp;&lt;/b&gt;"
        );
        assert_eq!(escape("Árbol 🌳"), "Árbol 🌳");
    }
}
