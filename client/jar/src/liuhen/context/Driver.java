package liuhen.context;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.DriverPropertyInfo;
import java.sql.SQLException;
import java.util.Properties;
import java.util.logging.Logger;

/**
 * A JDBC driver before another: `jdbc:liuhen:postgresql://…` is `jdbc:postgresql://…` whose statements say for whom they are. An application that
 * takes its URL from its configuration is not changed.
 */
public final class Driver implements java.sql.Driver {
    private static final String PREFIX = "jdbc:liuhen:";

    static {
        try {
            DriverManager.registerDriver(new Driver());
        } catch (SQLException error) {
            throw new ExceptionInInitializerError(error);
        }
    }

    @Override
    public boolean acceptsURL(String url) {
        return url != null && url.startsWith(PREFIX);
    }

    @Override
    public Connection connect(String url, Properties info) throws SQLException {
        if (!acceptsURL(url)) {
            return null;
        }
        String behind = behind(url);
        Way way = Way.ofProperty();
        if (way == Way.SETTING && !behind.startsWith("jdbc:postgresql:")) {
            throw new SQLException("liuhen.way=setting is for PostgreSQL alone; use comment");
        }
        return Calls.connection(DriverManager.getConnection(behind, info), way);
    }

    private static String behind(String url) {
        return "jdbc:" + url.substring(PREFIX.length());
    }

    @Override
    public DriverPropertyInfo[] getPropertyInfo(String url, Properties info) throws SQLException {
        return acceptsURL(url) ? DriverManager.getDriver(behind(url)).getPropertyInfo(behind(url), info) : new DriverPropertyInfo[0];
    }

    @Override
    public int getMajorVersion() {
        return 1;
    }

    @Override
    public int getMinorVersion() {
        return 0;
    }

    @Override
    public boolean jdbcCompliant() {
        return false;
    }

    @Override
    public Logger getParentLogger() {
        return Logger.getLogger("liuhen.context");
    }
}
