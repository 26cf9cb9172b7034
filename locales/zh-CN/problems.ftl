# What is said when signing in, or setting a password, did not work; by the code of the problem or of the field.

unauthenticated = 请先登录，或提供有效的访问令牌
wrong-credentials = 用户名或密码（或工号、登录码）不正确
too-many-attempts = 失败次数过多，请稍后再试，或请管理人员重新邀请您设置密码
cross-site = 该请求来自其他网站的页面，已被拒绝
second-factor-needed = 请同时输入身份验证器显示的验证码，或一个恢复码
wrong-second-factor = 验证码不正确或已经用过，请使用下一个
second-factor-set = 已设置第二因素；如需更换，请先移除
no-second-factor = 尚未设置第二因素
invitation-not-good = 邀请已使用、已撤回或已过期，或者该用户不能登录；请重新索取邀请
no-encryption-key = 服务器没有加密密钥，因此不保存需要加密的内容
other-encryption-key = 该内容是用另一个加密密钥保存的
invalid = 一个或多个字段有误
wrong-password = 密码不正确
password-too-short = 密码至少需要 12 个字符；一句话最容易记住
password-too-common = 密码太容易被猜到；请用更长的、彼此无关的词
password-unchanged = 新密码与原密码相同
code-malformed = 不是有效的代码
identity-number-malformed = 证件号码应为 5 至 20 位字母和数字，请按证件填写
identity-number-mistyped = 证件号码有误，请核对出生日期和最后一位校验码
text-empty = 不能为空
text-too-long = 内容过长
missing-field = 缺少该字段
