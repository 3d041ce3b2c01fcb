//! What a reference means, part by part, without fetching anything.

use std::sync::Arc;

use perennial_backend::{
    Common, Error as BackendError, Field, FieldClass, Origin, Selector, SettingMap,
};
use perennial_reference::Reference;

use crate::bind::bind;
use crate::vault::Vault;

/// What a reference means.
#[derive(Clone, Debug)]
pub struct Explanation {
    reference: Reference,
    backend: Option<Box<str>>,
    declared: Option<Origin>,
    description: Option<Box<str>>,
    selector: Option<Selector>,
    settings: Vec<ExplainedSetting>,
    problem: Option<BackendError>,
}

impl Explanation {
    /// Returns the reference.
    #[must_use]
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Returns the backend type of its vault, if there is such a vault.
    #[must_use]
    pub fn backend(&self) -> Option<&str> {
        self.backend.as_deref()
    }

    /// Returns where its vault was declared.
    #[must_use]
    pub fn declared(&self) -> Option<&Origin> {
        self.declared.as_ref()
    }

    /// Returns the description of its vault.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// Returns which version the backend would be asked for, if it can be.
    #[must_use]
    pub fn selector(&self) -> Option<&Selector> {
        self.selector.as_ref()
    }

    /// Returns the settings that hold for this reference.
    #[must_use]
    pub fn settings(&self) -> &[ExplainedSetting] {
        &self.settings
    }

    /// Returns why the reference cannot be resolved, as far as that is known without asking the
    /// store.
    #[must_use]
    pub fn problem(&self) -> Option<&BackendError> {
        self.problem.as_ref()
    }
}

/// One setting as it holds for a reference.
#[derive(Clone, Debug)]
pub struct ExplainedSetting {
    name: &'static str,
    text: Option<Box<str>>,
    unset: Option<&'static str>,
    is_credential: bool,
    origin: Origin,
}

impl ExplainedSetting {
    /// Returns the name of the setting.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns its value, unless there is none or it is a credential.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Returns in words what holds, where there is no value and it is not simply nothing.
    #[must_use]
    pub fn unset(&self) -> Option<&'static str> {
        self.unset.filter(|_| self.text.is_none())
    }

    /// Returns whether it is a credential, which is never shown.
    #[must_use]
    pub fn is_credential(&self) -> bool {
        self.is_credential
    }

    /// Returns where the value came from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

pub(crate) fn explain(
    reference: &Reference,
    found: Result<Arc<Vault>, BackendError>,
) -> Explanation {
    let mut explanation = Explanation {
        reference: reference.clone(),
        backend: None,
        declared: None,
        description: None,
        selector: None,
        settings: Vec::new(),
        problem: None,
    };
    let vault = match found {
        Ok(found) => found,
        Err(problem) => {
            explanation.problem = Some(problem);
            return explanation;
        }
    };
    let spec = vault.spec();
    explanation.backend = Some(spec.backend().into());
    explanation.declared = Some(spec.declared().clone());
    explanation.description = spec.description().map(Into::into);
    match bind(reference.parts(), &vault) {
        Ok(binding) => explanation.selector = Some(binding.resource.selector),
        Err(problem) => explanation.problem = Some(problem),
    }
    let fields = Common::FIELDS.iter().chain(vault.fields());
    explanation.settings = fields
        .map(|field| {
            in_reference(reference, field).unwrap_or_else(|| in_vault(spec.settings(), field))
        })
        .collect();
    explanation
}

/// Returns what the reference itself sets.
fn in_reference(reference: &Reference, field: &Field) -> Option<ExplainedSetting> {
    let options = reference.options();
    let seconds =
        |span: Option<std::time::Duration>| span.map(|span| span.as_secs_f64().to_string());
    let text = match field.name() {
        "ttl" => seconds(options.ttl()),
        "neg_ttl" => seconds(options.neg_ttl()),
        "resurrect_ttl" => seconds(options.resurrect_ttl()),
        "refresh_ahead" => seconds(options.refresh_ahead()),
        "base64_decode" => options.base64_decode().map(|decode| decode.to_string()),
        _ => {
            let mut others = options.others();
            let found = others.find(|(name, _)| field.is_called(name));
            found.map(|(_, value)| value.as_text().unwrap_or("true").to_owned())
        }
    }?;
    Some(shown(field, Some(&text), Origin::Reference))
}

fn in_vault(settings: &SettingMap, field: &Field) -> ExplainedSetting {
    match settings.setting(field) {
        Some(setting) => shown(field, Some(setting.text()), setting.origin().clone()),
        None => shown(field, field.default(), Origin::Default),
    }
}

fn shown(field: &Field, text: Option<&str>, origin: Origin) -> ExplainedSetting {
    let is_credential = field.class() == FieldClass::Credential;
    let text = if is_credential {
        None
    } else {
        text.map(Into::into)
    };
    ExplainedSetting {
        name: field.name(),
        text,
        unset: field.unset(),
        is_credential,
        origin,
    }
}
