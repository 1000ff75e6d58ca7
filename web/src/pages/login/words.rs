words! {
    LoginWords {
        log_in: "Log in" / "登录",
        user: "User" / "用户名",
        password: "Password" / "密码",
        wrong: "This user and password do not fit." / "用户名或密码不正确。",
        unreachable: "The server does not answer" / "服务器没有响应",
        first_time: "First time here?" / "第一次使用？",
        first_time_about: "The user is admin. The password was printed once, where the first master (or `gnomon standalone`) started. Whoever has a working command line sets a new one with:"
            / "用户名是 admin。初始密码在第一个 master（或 `gnomon standalone`）首次启动时打印过一次。可用命令行设置新密码：",
    }
}
