//! References to images.

use neuropod::pod::image::{ImageReference, MAX_IMAGE_LEN};

/// An accepted reference is kept unchanged, is accepted again, and contains nothing that breaks a line of YAML.
pub fn images(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match text.parse::<ImageReference>() {
        Ok(image) => {
            assert_eq!(image.as_str(), text, "it is kept as it was written");
            assert!(text.len() <= MAX_IMAGE_LEN);
            assert!(
                !text.contains(|c: char| c.is_whitespace() || c.is_control()),
                "{text:?}"
            );
            let stored = serde_json::to_string(&image).expect("a text");
            let read: ImageReference = serde_json::from_str(&stored).expect("it was accepted before");
            assert_eq!(read, image);
        }
        // The texts contain examples, which are all short.
        Err(problem) => assert!(
            text.len() < 40 || !problem.to_string().contains(&*text),
            "the text of a problem repeats the input"
        ),
    }
}
