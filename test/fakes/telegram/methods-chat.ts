import type { ChatMember, ChatMemberAdministrator, User } from 'grammy/types';
import { findChat } from './access.ts';
import { badRequest } from './api-error.ts';
import type { MethodTable } from './method.ts';
import type { ChatRecord, World } from './state.ts';

export function chatMethods(world: World): MethodTable {
  return {
    getChat: ({ params }) => ({
      ...findChat(world, params, 'read').chat,
      accent_color_id: 0,
      max_reaction_count: 11,
      accepted_gift_types: {
        unlimited_gifts: false,
        limited_gifts: false,
        unique_gifts: false,
        premium_subscription: false,
        gifts_from_channels: false,
      },
    }),

    getChatMember: ({ params }) => {
      const userId = params.integer('user_id');
      if (userId <= 0) throw badRequest('Invalid user_id specified');
      const record = findChat(world, params, 'read');
      if (userId === world.bot.id) return botMember(world, record);
      if (record.hidesMembers && record.bot !== 'administrator') {
        throw badRequest('CHAT_ADMIN_REQUIRED');
      }
      const member = record.members.get(userId);
      if (member !== undefined) return personMember(record, member);
      const user = world.users.get(userId);
      if (user === undefined || record.chat.type === 'private') {
        throw badRequest('member not found');
      }
      return { status: 'left', user };
    },

    getChatAdministrators: ({ params }) => {
      const record = findChat(world, params, 'read');
      if (record.chat.type === 'private') {
        throw badRequest('there are no administrators in the private chat');
      }
      const owner = personMember(record, record.creator);
      const people = [owner, ...record.administrators.map((user) => personMember(record, user))];
      return record.bot === 'administrator' ? [...people, botMember(world, record)] : people;
    },

    getChatMemberCount: ({ params }) => findChat(world, params, 'read').members.size + 1,

    leaveChat: ({ params }) => {
      const record = findChat(world, params, 'change');
      if (record.chat.type === 'private')
        throw badRequest("chat member status can't be changed in private chats");
      record.bot = 'left';
      return true;
    },
  };
}

function personMember(record: ChatRecord, user: User): ChatMember {
  return user.id === record.creator.id && record.chat.type !== 'private'
    ? { status: 'creator', user, is_anonymous: false }
    : record.administrators.some((administrator) => administrator.id === user.id)
      ? administrator(user, false)
      : { status: 'member', user };
}

export function botMember(world: World, record: ChatRecord): ChatMember {
  const user = world.botUser;
  switch (record.bot) {
    case 'administrator':
      return administrator(user, record.botCanDelete);
    case 'kicked':
      return { status: 'kicked', user, until_date: 0 };
    default:
      return { status: record.bot, user };
  }
}

function administrator(user: User, canDelete: boolean): ChatMemberAdministrator {
  return {
    status: 'administrator',
    user,
    can_be_edited: false,
    is_anonymous: false,
    can_manage_chat: true,
    can_delete_messages: canDelete,
    can_manage_video_chats: false,
    can_restrict_members: false,
    can_promote_members: false,
    can_change_info: false,
    can_invite_users: true,
    can_post_stories: false,
    can_edit_stories: false,
    can_delete_stories: false,
    can_send_welcome_messages: false,
  };
}
