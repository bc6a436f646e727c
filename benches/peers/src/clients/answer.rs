//! What a process says to the one that measures it.

use anyhow::{Context, Result};
use tokio::io::AsyncWriteExt;

/// Writes a line to the standard output.
pub(super) async fn say(line: &str) -> Result<()> {
    let mut output = tokio::io::stdout();
    output
        .write_all(format!("{line}\n").as_bytes())
        .await
        .context("answer")?;
    output.flush().await.context("answer")
}
