"""Settings: read once at the doors (app.py, manage.py) and handed inward.

Every value can be set by an environment variable or by a line in ``.env``;
the table in README.md lists them with unit, default and reason.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent


class Settings(BaseSettings):
    """Immutable settings of one running product."""

    model_config = SettingsConfigDict(
        env_prefix="CSM_", env_file=".env", frozen=True, extra="ignore", populate_by_name=True
    )

    database_url: str = Field(
        default="",
        validation_alias="DATABASE_URL",
        description="SQLAlchemy 地址。留空则使用 CSM_VAR_DIR 下的 SQLite 文件，单机零配置即可使用。",
    )
    var_dir: Path = Field(
        default=ROOT / "var",
        description="数据目录：内嵌数据库、上传文件、日志。须在网站根目录之外并纳入备份。",
    )
    product_name: str = Field(default="校园安全督查一张图", description="页面左上角的名称。")
    sign_in_idle_min: int = Field(
        default=240,
        ge=5,
        description="无操作多少分钟后需重新登录。默认 240，一次半天的会议不掉线。",
    )
    sign_in_absolute_h: int = Field(
        default=12, ge=1, description="登录最长有效小时数，到时须重新登录。默认 12，一个工作日。"
    )
    sign_in_tries: int = Field(
        default=5,
        ge=1,
        description="同一账号在窗口期内允许的失败次数；同一地址（往往是整个办公室）为其四倍。",
    )
    sign_in_window_min: int = Field(default=15, ge=1, description="失败次数的统计窗口，分钟。")
    secure_cookie: bool = Field(
        default=False,
        description="仅经 HTTPS 发送登录凭证。启用 HTTPS 后必须设为 true；内网明文 HTTP 下只能为 false。",
    )
    basemap_url: str = Field(
        default="",
        description="可选 XYZ 底图地址（如内网天地图服务，{x}{y}{z} 占位）。默认空：只用自有底图，不访问外部。",
    )
    basemap_datum: str = Field(
        default="wgs84",
        pattern="^(wgs84|gcj02)$",
        description="该底图的坐标系：wgs84 或 gcj02（后者会把数据偏移后叠加显示）。",
    )
    basemap_attribution: str = Field(default="", description="底图版权说明文字。")
    log_level: str = Field(default="INFO", description="日志级别。")

    @property
    def resolved_database_url(self) -> str:
        """Return the SQLAlchemy URL, with the embedded default filled in."""
        return self.database_url or f"sqlite:///{(self.var_dir / 'csm.sqlite').as_posix()}"


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Read the settings once per process."""
    return Settings()
