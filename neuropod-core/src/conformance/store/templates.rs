//! Templates.

use std::sync::Arc;

use super::sample::{HOSTILE, template};
use crate::conformance::expect::{failure, possible, taken, unique};
use crate::pod::options::{Jupyter, PodOptions};
use crate::pod::port::Port;
use crate::pod::template::Template;
use crate::store::traits::TemplateStore;
use crate::token::secret::AccessToken;

/// A template is stored with version 1, changed with the next, and removed.
pub async fn insert_get_update_remove(store: &Arc<dyn TemplateStore>) {
    let given = Template {
        version: 99,
        ..template(&unique("Scipy"))
    };
    assert_eq!(
        store.template(&given.id).await.unwrap(),
        None,
        "nothing was inserted yet"
    );
    let inserted = store.insert_template(&given).await.unwrap();
    let expected = Template { version: 1, ..given };
    assert_eq!(
        inserted, expected,
        "insert returns the template as stored, with version 1"
    );
    assert_eq!(
        store.template(&inserted.id).await.unwrap().as_ref(),
        Some(&inserted),
        "get returns what insert returned"
    );

    let changed = Template {
        name: unique("Torch"),
        options: PodOptions::default()
            .with_image("pytorch/pytorch:2".parse().unwrap())
            .with_disks(1, u32::MAX)
            .with_ports::<u16>([])
            .with_jupyter(Jupyter::Read),
        ..inserted
    };
    let updated = store.update_template(&changed).await.unwrap();
    let expected = Template {
        version: 2,
        ..changed
    };
    assert_eq!(
        updated, expected,
        "update returns the template as stored, with the next version"
    );
    assert_eq!(
        store.template(&updated.id).await.unwrap().as_ref(),
        Some(&updated),
        "get returns what update returned"
    );

    store.remove_template(&updated.id).await.unwrap();
    assert_eq!(store.template(&updated.id).await.unwrap(), None, "it was removed");
    store
        .remove_template(&updated.id)
        .await
        .expect("to remove a template twice is fine");
    failure(
        store.update_template(&updated).await,
        "not_found",
        "an update of a removed template",
    );
}

/// Ids are unique, and names regardless of case; a name keeps its case.
pub async fn ids_and_names_are_unique(store: &Arc<dyn TemplateStore>) {
    let first = store.insert_template(&template(&unique("Año"))).await.unwrap();
    let second = store.insert_template(&template(&unique("Other"))).await.unwrap();

    let same_id = Template {
        id: first.id.clone(),
        ..template(&unique("Third"))
    };
    taken(
        store.insert_template(&same_id).await,
        "id",
        "a second template with this id",
    );
    let same_name = template(&first.name.to_uppercase());
    taken(
        store.insert_template(&same_name).await,
        "name",
        "a second template with this name in another case",
    );
    let moved = Template {
        name: first.name.to_uppercase(),
        ..second.clone()
    };
    taken(
        store.update_template(&moved).await,
        "name",
        "a template that takes the name of another",
    );
    assert_eq!(
        store.template(&second.id).await.unwrap(),
        Some(second),
        "an update that failed changes nothing"
    );
    let louder = Template {
        name: first.name.to_uppercase(),
        ..first
    };
    let updated = store
        .update_template(&louder)
        .await
        .expect("a template may write its own name in another case");
    assert_eq!(updated.name, louder.name, "a name is kept as it was written");
}

/// The name of a removed or renamed template is free again.
pub async fn a_name_is_free_again(store: &Arc<dyn TemplateStore>) {
    let first = store.insert_template(&template(&unique("Free"))).await.unwrap();
    let moved = Template {
        name: unique("Moved"),
        ..first.clone()
    };
    store.update_template(&moved).await.unwrap();
    let second = store
        .insert_template(&template(&first.name))
        .await
        .expect("a name that was given up is free");
    store.remove_template(&second.id).await.unwrap();
    store
        .insert_template(&template(&first.name))
        .await
        .expect("the name of a removed template is free");
}

/// An outdated version can't change anything.
pub async fn an_old_version_changes_nothing(store: &Arc<dyn TemplateStore>) {
    let first = store.insert_template(&template(&unique("Race"))).await.unwrap();
    let second = store.update_template(&first).await.unwrap();
    let stale = Template {
        description: "stale".into(),
        ..first
    };
    failure(
        store.update_template(&stale).await,
        "conflict",
        "an update of an old version of a template",
    );
    assert_eq!(
        store.template(&second.id).await.unwrap(),
        Some(second),
        "a conflict leaves the template as it was"
    );
}

/// Templates are listed by name, regardless of case.
pub async fn sorted_by_name(store: &Arc<dyn TemplateStore>) {
    let end = unique("sorted");
    let mut expected = Vec::new();
    for start in ["c", "B", "a", "D"] {
        let name = format!("{start} {end}");
        store.insert_template(&template(&name)).await.unwrap();
        expected.push(name);
    }
    expected.sort_by_key(|name| name.to_lowercase());
    let templates = store.templates().await.unwrap();
    let ours = templates.into_iter().map(|template| template.name);
    let ours: Vec<_> = ours.filter(|name| name.contains(&end)).collect();
    assert_eq!(ours, expected, "templates by name in lower case");
}

/// Texts that break queries, keys and lines read back unchanged.
pub async fn hostile_texts(store: &Arc<dyn TemplateStore>) {
    for text in &HOSTILE.map(possible) {
        let hostile = Template {
            id: format!("{text}{}", unique("hostile")),
            description: text.repeat(1000),
            options: PodOptions::default()
                .with_gpu(text)
                .with_mount_path(text)
                .with_ports([Port::http(1).with_name(text)])
                .with_jupyter(Jupyter::Chosen(AccessToken::new(text)))
                .with_variable("VALUE", text),
            ..template(&format!("{text}{}", unique("hostile")))
        };
        store.insert_template(&hostile).await.unwrap();
        let expected = Template {
            version: 1,
            ..hostile
        };
        let got = store.template(&expected.id).await.unwrap();
        assert_eq!(
            got,
            Some(expected.clone()),
            "a template full of {text:?} comes back as it was"
        );
        store.remove_template(&expected.id).await.unwrap();
    }
}
