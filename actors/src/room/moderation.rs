//! Who may do what to whom.

use calls_model::signal::Moderation;
use calls_model::{Member, ParticipantId, Role};

use crate::calls::ModerateRefused;

/// Whom an action is about, where it is about one.
pub fn target(action: &Moderation) -> Option<&ParticipantId> {
    match action {
        Moderation::Mute { participant_id, .. }
        | Moderation::Remove { participant_id }
        | Moderation::Kick { participant_id }
        | Moderation::Admit { participant_id }
        | Moderation::Deny { participant_id }
        | Moderation::LowerHand { participant_id }
        | Moderation::AskUnmute { participant_id, .. }
        | Moderation::Role { participant_id, .. } => Some(participant_id),
        Moderation::Spotlight { participant_id } => participant_id.as_ref(),
        Moderation::MuteAll
        | Moderation::AdmitAll
        | Moderation::Lock { .. }
        | Moderation::Permit { .. }
        | Moderation::LowerHands => None,
    }
}

/// Says no to what this role may not do to that member. The application itself (`by: None`) may do everything.
///
/// # Errors
///
/// Says what it would take.
pub fn permit(
    by: Option<Role>,
    target: Option<&Member>,
    action: &Moderation,
) -> Result<(), ModerateRefused> {
    let Some(by) = by else { return Ok(()) };
    if !by.moderates() {
        return Err(ModerateRefused::NotModerator);
    }
    let about_the_host = target.is_some_and(|member| member.role == Role::Host);
    let hosts_only = match action {
        Moderation::Remove { .. } | Moderation::Kick { .. } => about_the_host,
        Moderation::Role { role, .. } => about_the_host || *role == Role::Host,
        Moderation::Mute { .. }
        | Moderation::MuteAll
        | Moderation::Admit { .. }
        | Moderation::Deny { .. }
        | Moderation::AdmitAll
        | Moderation::Lock { .. }
        | Moderation::LowerHands
        | Moderation::LowerHand { .. }
        | Moderation::AskUnmute { .. }
        | Moderation::Spotlight { .. }
        | Moderation::Permit { .. } => false,
    };
    if hosts_only && by != Role::Host {
        Err(ModerateRefused::NotHost)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn member(role: Role) -> Member {
        Member {
            user_id: "bob".parse().unwrap(),
            role,
            audio: true,
            video: false,
            joined_at: DateTime::UNIX_EPOCH.into(),
            participant_id: None,
            display_name: None,
            screen: false,
            hand: false,
            reconnecting: false,
            left_at: None,
            hidden: false,
        }
    }

    fn remove() -> Moderation {
        Moderation::Remove {
            participant_id: "part_bob".parse().unwrap(),
        }
    }

    #[test]
    fn participants_do_not_moderate() {
        let refused = permit(Some(Role::Participant), None, &Moderation::MuteAll);
        assert_eq!(refused, Err(ModerateRefused::NotModerator));
    }

    #[test]
    fn a_moderator_removes_others_but_not_the_host() {
        let by = Some(Role::Moderator);
        assert_eq!(
            permit(by, Some(&member(Role::Participant)), &remove()),
            Ok(())
        );
        assert_eq!(
            permit(by, Some(&member(Role::Host)), &remove()),
            Err(ModerateRefused::NotHost)
        );
    }

    #[test]
    fn only_the_host_gives_the_host_role_away() {
        let action = Moderation::Role {
            participant_id: "part_bob".parse().unwrap(),
            role: Role::Host,
        };
        let bob = member(Role::Participant);
        assert!(permit(Some(Role::Moderator), Some(&bob), &action).is_err());
        assert!(permit(Some(Role::Host), Some(&bob), &action).is_ok());
        assert!(permit(None, Some(&bob), &action).is_ok());
    }
}
